// Convolution of whole numbers by its definition, along three axes, for any kernel size, stride, dilation and grouping. Sums wrap around.
//
// An invocation computes CHANNELS x COLUMNS outputs: neighbours along the channels of a group and along a row.
// Header: LANES, CHANNELS, COLUMNS, PADDING_MODE, TRANSPOSED (0), HAS_BEFORE (whether other calls have summed other terms, which are
// added).
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
    let column_blocks = (params.out_width + COLUMNS - 1u) / COLUMNS;
    let channel_blocks = (params.out_channels + CHANNELS - 1u) / CHANNELS;
    let first_column = index % column_blocks * COLUMNS;
    let row = index / column_blocks;
    let out_y = row % params.out_height;
    let slice = row / params.out_height;
    let out_z = slice % params.out_depth;
    let block = slice / params.out_depth;
    let first_channel = block % channel_blocks * CHANNELS;
    // Among those of all images.
    let group = block / channel_blocks;

    let in_plane = params.in_height * params.in_width;
    let in_volume = params.in_depth * in_plane;
    let first_source = group * params.in_channels * in_volume;
    let kernel_plane = params.kernel_height * params.kernel_width;
    let taps = params.kernel_depth * kernel_plane;
    // Channels and columns past the end compute along with the last one and store nothing.
    var weight_at: array<u32, CHANNELS>;
    for (var j = 0u; j < CHANNELS; j++) { // unroll
        let within = min(first_channel + j, params.out_channels - 1u);
        weight_at[j] = (group % params.groups * params.out_channels + within) * params.in_channels * taps;
    }
    var sums: array<array<i32, COLUMNS>, CHANNELS>;
    for (var tap = params.first_tap; tap < params.last_tap; tap++) {
        let tap_z = tap / kernel_plane;
        let tap_y = tap / params.kernel_width % params.kernel_height;
        let tap_x = tap % params.kernel_width;
        let z = tap_source(out_z, tap_z, params.stride_depth, params.dilation_depth, params.pad_front, params.in_depth);
        let y = tap_source(out_y, tap_y, params.stride_height, params.dilation_height, params.pad_top, params.in_height);
        var inside: array<bool, COLUMNS>;
        var place: array<u32, COLUMNS>;
        for (var i = 0u; i < COLUMNS; i++) { // unroll
            let out_x = min(first_column + i, params.out_width - 1u);
            let x = tap_source(out_x, tap_x, params.stride_width, params.dilation_width, params.pad_left, params.in_width);
            inside[i] = z >= 0 && y >= 0 && x >= 0;
            place[i] = select(0u, u32(z) * in_plane + u32(y) * params.in_width + u32(x), inside[i]);
        }
        for (var in_channel = params.first_channel; in_channel < params.last_channel; in_channel++) {
            let source = first_source + in_channel * in_volume;
            var values: array<i32, COLUMNS>;
            for (var i = 0u; i < COLUMNS; i++) { // unroll
                values[i] = load_input(source + place[i]);
                if (PADDING_MODE == ZEROS) {
                    values[i] = select(0, values[i], inside[i]);
                }
            }
            for (var j = 0u; j < CHANNELS; j++) { // unroll
                let w = load_weight(weight_at[j] + in_channel * taps + tap);
                for (var i = 0u; i < COLUMNS; i++) { // unroll
                    sums[j][i] += values[i] * w;
                }
            }
        }
    }
    for (var j = 0u; j < CHANNELS; j++) { // unroll
        for (var i = 0u; i < COLUMNS; i++) { // unroll
            let channel = first_channel + j;
            let out_x = first_column + i;
            if (channel < params.out_channels && out_x < params.out_width) {
                let plane = (group * params.out_channels + channel) * params.out_depth + out_z;
                let at = (plane * params.out_height + out_y) * params.out_width + out_x;
                var sum = sums[j][i];
                if (HAS_BEFORE == 1u) {
                    sum += load_before(at);
                }
                store_output(at, sum);
            }
        }
    }
}
