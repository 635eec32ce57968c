// Convolution of whole numbers by its definition, along three axes, for any kernel size, stride, dilation and grouping. Sums wrap around.
//
// An invocation computes one output.
// Header: LANES, PADDING_MODE, TRANSPOSED (0), HAS_BEFORE (whether other calls have summed other terms, which are added).
//
// input: [N, groups * in_channels, D, H, W]
// weight: [groups * out_channels, in_channels, KD, KH, KW]
// before: the sums of other terms, as the output
// output: [N, groups * out_channels, OD, OH, OW]
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
    let first_weight = out_channel * params.in_channels * taps;

    var sum = 0;
    if (HAS_BEFORE == 1u) {
        sum = load_before(index);
    }
    for (var tap = params.first_tap; tap < params.last_tap; tap++) {
        let tap_z = tap / kernel_plane;
        let tap_y = tap / params.kernel_width % params.kernel_height;
        let tap_x = tap % params.kernel_width;
        let z = tap_source(out_z, tap_z, params.stride_depth, params.dilation_depth, params.pad_front, params.in_depth);
        let y = tap_source(out_y, tap_y, params.stride_height, params.dilation_height, params.pad_top, params.in_height);
        let x = tap_source(out_x, tap_x, params.stride_width, params.dilation_width, params.pad_left, params.in_width);
        let inside = z >= 0 && y >= 0 && x >= 0;
        let place = select(0u, u32(z) * in_plane + u32(y) * params.in_width + u32(x), inside);
        for (var in_channel = params.first_channel; in_channel < params.last_channel; in_channel++) {
            var value = load_input(first_source + in_channel * in_volume + place);
            if (PADDING_MODE == ZEROS) {
                value = select(0, value, inside);
            }
            sum += value * load_weight(first_weight + in_channel * taps + tap);
        }
    }
    store_output(index, sum);
}
