// Convolution of volumes by its definition, plain and transposed, for any kernel size, stride, dilation and grouping.
//
// An invocation computes one output.
// Header: LANES, PADDING_MODE, TRANSPOSED, and those of shared/epilogue.wgsl.
//
// input: [N, groups * in_channels, D, H, W]
// weight: [groups * out_channels, in_channels, KD, KH, KW], or [groups * in_channels, out_channels, KD, KH, KW] where transposed
// output: [N, groups * out_channels, OD, OH, OW], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/tap_source

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let row = index / params.out_width;
    let out_y = row % params.out_height;
    let slice = row / params.out_height;
    let out_z = slice % params.out_depth;
    let volume = slice / params.out_depth;
    let out_channel = volume % (params.groups * params.out_channels);
    let batch = volume / (params.groups * params.out_channels);
    let group = out_channel / params.out_channels;

    let in_plane = params.in_height * params.in_width;
    let in_volume = params.in_depth * in_plane;
    let first_source = (batch * params.groups + group) * params.in_channels * in_volume;
    let kernel_plane = params.kernel_height * params.kernel_width;
    let taps = params.kernel_depth * kernel_plane;
    // Where the weights of the first input channel are, and how far those of the next.
    var first_weight = out_channel * params.in_channels * taps;
    var weight_step = taps;
    if (TRANSPOSED == 1u) {
        let within = out_channel - group * params.out_channels;
        first_weight = (group * params.in_channels * params.out_channels + within) * taps;
        weight_step = params.out_channels * taps;
    }

    var sum = 0.0;
    for (var tap = params.first_tap; tap < params.last_tap; tap++) {
        let tap_z = tap / kernel_plane;
        let tap_y = tap / params.kernel_width % params.kernel_height;
        let tap_x = tap % params.kernel_width;
        let z = tap_source(out_z, tap_z, params.stride_depth, params.dilation_depth, params.pad_front, params.in_depth);
        let y = tap_source(out_y, tap_y, params.stride_height, params.dilation_height, params.pad_top, params.in_height);
        let x = tap_source(out_x, tap_x, params.stride_width, params.dilation_width, params.pad_left, params.in_width);
        let inside = z >= 0 && y >= 0 && x >= 0;
        if (TRANSPOSED == 1u && !inside) {
            // Where nothing was written there is no product, not even with an infinite weight.
            continue;
        }
        let place = select(0u, u32(z) * in_plane + u32(y) * params.in_width + u32(x), inside);
        for (var in_channel = params.first_channel; in_channel < params.last_channel; in_channel++) {
            var value = load_input(first_source + in_channel * in_volume + place);
            if (PADDING_MODE == ZEROS) {
                value = select(0.0, value, inside);
            }
            sum = fma(value, load_weight(first_weight + in_channel * weight_step + tap), sum);
        }
    }
    store(index, sum, channel_offset(out_channel));
}
