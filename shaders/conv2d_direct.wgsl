// Direct convolution for any kernel size, stride, dilation and grouping, and transposed convolution.
//
// An invocation computes ROWS outputs of one column for CHANNELS output channels; lanes run along the flattened
// (row block, column) plane, so that narrow images fill them too. The taps are the outer loops: the padding's index map
// is computed once a tap and serves all input channels, whatever the padding mode.
// Header: LANES, ROWS, CHANNELS, QUADS (CHANNELS / 4), ROUND, LATER_CHANNELS (CHANNELS - ROUND), PADDING_MODE, TRANSPOSED, and those of shared/epilogue.wgsl.
//
// input: [N, groups * in_channels, H, W]
// packed: weights, see shared/spread_*.wgsl
// output: [N, output channels, OH, OW], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/spread_*
#import shared/tap_source

fn run(workgroup: u32, lane: u32) {
    let channel_block = (workgroup / params.position_blocks) % params.channel_blocks;
    let plane_set = workgroup / (params.position_blocks * params.channel_blocks);
    let group = plane_set % params.groups;
    // A folded dispatch may overshoot, and the last lanes may stand past the plane: they compute along and store nothing.
    let batch = min(plane_set / params.groups, params.batch - 1u);
    let position = (workgroup % params.position_blocks) * LANES + lane;
    let row_block = min(position / params.out_width, params.row_blocks - 1u);
    let out_x = position % params.out_width;
    let first_y = row_block * ROWS;
    let stores = plane_set / params.groups < params.batch && position / params.out_width < params.row_blocks;

    let plane = params.in_height * params.in_width;
    let first_plane = (batch * params.groups + group) * params.in_channels * plane;
    let first_weight = (group * params.channel_blocks + channel_block) * params.kernel_height * params.kernel_width * params.in_channels;

    var sums: array<array<f32, ROWS>, CHANNELS>;
    var tap_y = params.first_tap / params.kernel_width;
    var tap_x = params.first_tap % params.kernel_width;
    for (var tap = params.first_tap; tap < params.last_tap; tap++) {
        let x = tap_source(out_x, tap_x, params.stride_width, params.dilation_width, params.pad_left, params.in_width);
        var source: array<u32, ROWS>;
        var inside: array<bool, ROWS>;
        for (var row = 0u; row < ROWS; row++) { // unroll
            let y = tap_source(first_y + row, tap_y, params.stride_height, params.dilation_height, params.pad_top, params.in_height);
            inside[row] = x >= 0 && y >= 0;
            source[row] = first_plane + select(0u, u32(y) * params.in_width + u32(x), inside[row]);
        }
        var weight_at = (first_weight + tap * params.in_channels + params.first_channel) * CHANNELS;
        var input_offset = params.first_channel * plane;
        for (var in_channel = params.first_channel; in_channel < params.last_channel; in_channel++) {
            var values: array<f32, ROWS>;
            for (var row = 0u; row < ROWS; row++) { // unroll
                values[row] = load_input(source[row] + input_offset);
                if (PADDING_MODE == ZEROS) {
                    values[row] = select(0.0, values[row], inside[row]);
                }
            }
            let weights = spread(weight_at, lane);
            for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
                for (var row = 0u; row < ROWS; row++) { // unroll
                    let sum = fma(values[row], weights[channel], sums[channel][row]);
                    if (TRANSPOSED == 1u) {
                        // Where nothing was written there is no product, not even with an infinite weight.
                        sums[channel][row] = select(sums[channel][row], sum, inside[row]);
                    } else {
                        sums[channel][row] = sum;
                    }
                }
            }
            weight_at += CHANNELS;
            input_offset += plane;
        }
        tap_x++;
        if (tap_x == params.kernel_width) {
            tap_x = 0u;
            tap_y++;
        }
    }

    // ROUND channels a round, the next ones moved up after it: stores are dear to compile, so their code stands once.
    let first_channel = channel_block * CHANNELS;
    let last_channel = select(first_channel, min(first_channel + CHANNELS, params.out_channels), stores);
    let out_plane = params.out_height * params.out_width;
    for (var first = first_channel; first < last_channel; first += ROUND) {
        for (var j = 0u; j < ROUND; j++) { // unroll
            if (first + j < last_channel) {
                let out_channel = group * params.out_channels + first + j;
                let offset = channel_offset(out_channel);
                let target_plane = (batch * params.groups * params.out_channels + out_channel) * out_plane + out_x;
                for (var row = 0u; row < ROWS; row++) { // unroll
                    if (first_y + row < params.out_height) {
                        store(target_plane + (first_y + row) * params.out_width, sums[j][row], offset);
                    }
                }
            }
        }
        for (var channel = 0u; channel < LATER_CHANNELS; channel++) { // unroll
            for (var row = 0u; row < ROWS; row++) { // unroll
                sums[channel][row] = sums[channel + ROUND][row];
            }
        }
    }
}
