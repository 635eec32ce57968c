// The same bits everywhere.
//
// An invocation writes one element.
// Header: LANES.
struct Params {
    elements: u32,
    bits: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index < params.elements) {
        output[index] = bitcast<f32>(params.bits);
    }
}
