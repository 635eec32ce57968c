// Bilinear resizing of each plane.
//
// An invocation computes one output.
// Header: LANES, HALF_PIXEL_HEIGHT, HALF_PIXEL_WIDTH.
//
// input: [planes, H, W]
// output: [planes, OH, OW]

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

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
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
    let upper = load_input(top + columns.first) * (1.0 - columns.weight) + load_input(top + columns.second) * columns.weight;
    let lower = load_input(bottom + columns.first) * (1.0 - columns.weight) + load_input(bottom + columns.second) * columns.weight;
    store_output(index, upper * (1.0 - rows.weight) + lower * rows.weight);
}
