// As im2col.wgsl, where rows are whole vectors: an invocation goes down a strip of four columns, for one input channel and one row
// of taps, and loads each source row once.
// Header: LANES, KERNEL_WIDTH, DILATION_WIDTH, and those of shared/strip_quads.wgsl.
//
// input: [planes, H, W]
// terms: [planes, KH, KW, OH, OW]
#import shared/strip_quads

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let strip = invocation % params.strips;
    let segment = invocation / params.strips % params.segments;
    let tap_row = invocation / (params.strips * params.segments);
    let tap_y = tap_row % params.kernel_height;
    let columns = strip_columns(strip);
    let first_source = tap_row / params.kernel_height * params.in_height * (params.in_width / 4u);
    let row_quads = params.out_height * params.strips;
    let first_target = tap_row * KERNEL_WIDTH * row_quads;

    let first_y = segment * params.segment_rows;
    let last_y = min(first_y + params.segment_rows, params.out_height);
    for (var out_y = first_y; out_y < last_y; out_y++) {
        let padded_y = out_y * params.stride_height + tap_y * params.dilation_height;
        let y = source_index(i32(padded_y) - i32(params.pad_top), i32(params.in_height));
        let values = load_row(first_source + u32(max(y, 0)) * (params.in_width / 4u), columns, y >= 0, 0.0);
        for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
            var four: array<f32, 4>;
            for (var i = 0u; i < 4u; i++) { // unroll
                four[i] = values[i * STRIDE_WIDTH + tap_x * DILATION_WIDTH];
            }
            store_row(first_target + tap_x * row_quads + out_y * params.strips, strip, four, 0.0);
        }
    }
}

fn store(at: u32, value: vec4<f32>, offset: f32) {
    store_terms(at, value);
}
