// Resizing of each plane: nearest or bilinear.
//
// An invocation computes one output. Coordinates are computed in f32 as PyTorch does.
// Header: LANES, MODE.
const NEAREST = 0u;
const BILINEAR = 1u;
const BILINEAR_ALIGNED = 2u;

struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    outputs: u32,              // N * C * OH * OW
    scale_height: f32,         // in / out, or (in - 1) / (out - 1) where corners are aligned
    scale_width: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

fn place(index: u32, scale: f32) -> f32 {
    if (MODE == BILINEAR) {
        return max((f32(index) + 0.5) * scale - 0.5, 0.0);
    }
    return f32(index) * scale;
}

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
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let first_source = index / (params.out_width * params.out_height) * params.in_height * params.in_width;
    let y = place(out_y, params.scale_height);
    let x = place(out_x, params.scale_width);
    let top = min(u32(y), params.in_height - 1u);
    let left = min(u32(x), params.in_width - 1u);
    if (MODE == NEAREST) {
        output[index] = input[first_source + top * params.in_width + left];
        return;
    }
    let bottom = min(top + 1u, params.in_height - 1u);
    let right = min(left + 1u, params.in_width - 1u);
    let down = y - f32(top);
    let across = x - f32(left);
    let upper = input[first_source + top * params.in_width + left] * (1.0 - across)
        + input[first_source + top * params.in_width + right] * across;
    let lower = input[first_source + bottom * params.in_width + left] * (1.0 - across)
        + input[first_source + bottom * params.in_width + right] * across;
    output[index] = upper * (1.0 - down) + lower * down;
}
