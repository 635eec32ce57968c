// The terms of a convolution's sums as a matrix: a row for each input channel and tap, a column for each output position, padded
// to whole vectors of four. What is left of the convolution is a matrix product, with the weight as it lies in memory.
//
// An invocation writes four consecutive positions of all taps of a few input channels: their sources are found once a tap.
// Header: LANES, PADDING_MODE.
//
// input: [planes, H, W]
// terms: [planes, KH, KW, row_quads]
#import shared/padding

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let quad = invocation % params.row_quads;
    let first_plane = invocation / params.row_quads * params.segment_planes;
    let last_plane = min(first_plane + params.segment_planes, params.planes);
    var first_y: array<i32, 4>;
    var first_x: array<i32, 4>;
    for (var i = 0u; i < 4u; i++) { // unroll
        // Positions past the last are copies of it, which nobody reads.
        let position = min(quad * 4u + i, params.positions - 1u);
        first_y[i] = i32(position / params.out_width * params.stride_height) - i32(params.pad_top);
        first_x[i] = i32(position % params.out_width * params.stride_width) - i32(params.pad_left);
    }

    let taps = params.kernel_height * params.kernel_width;
    let plane_size = params.in_height * params.in_width;
    for (var tap_y = 0u; tap_y < params.kernel_height; tap_y++) {
        for (var tap_x = 0u; tap_x < params.kernel_width; tap_x++) {
            var source: array<u32, 4>;
            var inside: vec4<bool>;
            for (var i = 0u; i < 4u; i++) { // unroll
                let y = source_index(first_y[i] + i32(tap_y * params.dilation_height), i32(params.in_height));
                let x = source_index(first_x[i] + i32(tap_x * params.dilation_width), i32(params.in_width));
                inside[i] = y >= 0 && x >= 0;
                source[i] = select(0u, u32(y) * params.in_width + u32(x), inside[i]);
            }
            for (var plane = first_plane; plane < last_plane; plane++) {
                var four: vec4<f32>;
                for (var i = 0u; i < 4u; i++) { // unroll
                    four[i] = load_input(plane * plane_size + source[i]);
                }
                let row = plane * taps + tap_y * params.kernel_width + tap_x;
                store_terms(row * params.row_quads + quad, select(vec4(0.0), four, inside));
            }
        }
    }
}
