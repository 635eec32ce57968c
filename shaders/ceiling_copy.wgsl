// A plain copy of a large buffer: the most bytes that kernels of this kind move on an adapter.
//
// An invocation copies ITEMS times four elements, LANES apart.
// Header: LANES, ITEMS.
struct Params {
    items: u32,                // of four elements
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
    let first = workgroup_number(workgroup_id, workgroup_count) * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let index = first + item * LANES;
        if (index < params.items) {
            output[index] = input[index];
        }
    }
}
