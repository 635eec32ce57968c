// Resizing of each plane to nearest elements, which the host has found.
//
// An invocation copies one element.
// Header: LANES.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    outputs: u32,              // N * C * OH * OW
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read> sources: array<u32>;             // [OH] source rows, then [OW] source columns
@group(0) @binding(3) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let row = sources[index / params.out_width % params.out_height];
    let column = sources[params.out_height + index % params.out_width];
    let plane = index / (params.out_width * params.out_height);
    output[index] = input[(plane * params.in_height + row) * params.in_width + column];
}
