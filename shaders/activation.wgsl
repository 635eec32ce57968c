// One activation over all elements, four an invocation.
// Header: LANES, ACTIVATION.
struct Params {
    quads: u32,                // ceil(elements / 4)
    first: f32,                // the activation's parameters
    second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let quad = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (quad >= params.quads) {
        return;
    }
    let x = input[quad];
    output[quad] = vec4<f32>(
        activate(x.x, params.first, params.second),
        activate(x.y, params.first, params.second),
        activate(x.z, params.first, params.second),
        activate(x.w, params.first, params.second),
    );
}
