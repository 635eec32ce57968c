// Bilinear resizing of each plane.
//
// An invocation computes one output.
// Header: LANES, HALF_PIXEL_HEIGHT, HALF_PIXEL_WIDTH.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    outputs: u32,              // N * C * OH * OW
    scale_height: f32,         // elements of the input to one of the output
    scale_width: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

// Two neighbours along one axis, and the weight of the second.
struct Between {
    first: u32,
    second: u32,
    weight: f32,
}

fn between(index: u32, scale: f32, extent: u32, half_pixel: bool) -> Between {
    var place = f32(index) * scale;
    if (half_pixel) {
        place = max((f32(index) + 0.5) * scale - 0.5, 0.0);
    }
    let first = u32(min(place, f32(extent - 1u)));
    // Beyond the last element both neighbours are that element.
    return Between(first, min(first + 1u, extent - 1u), min(place - f32(first), 1.0));
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
    let rows = between(out_y, params.scale_height, params.in_height, HALF_PIXEL_HEIGHT == 1u);
    let columns = between(out_x, params.scale_width, params.in_width, HALF_PIXEL_WIDTH == 1u);
    let top = first_source + rows.first * params.in_width;
    let bottom = first_source + rows.second * params.in_width;
    let upper = input[top + columns.first] * (1.0 - columns.weight) + input[top + columns.second] * columns.weight;
    let lower = input[bottom + columns.first] * (1.0 - columns.weight) + input[bottom + columns.second] * columns.weight;
    output[index] = upper * (1.0 - rows.weight) + lower * rows.weight;
}
