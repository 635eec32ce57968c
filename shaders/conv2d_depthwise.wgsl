// Convolution with few channels in a group: depthwise convolution, the plain one-channel filter, and groups of up to four.
//
// An invocation goes down a strip of four columns of outputs, for all output channels of a group. It keeps the source rows of a
// window in registers, and each round loads those that the next outputs read besides.
// Header: LANES, INPUTS and OUTPUTS (channels of a group), KERNEL_HEIGHT, KERNEL_WIDTH, TAPS (numbers of an output channel's
//         kernel), STRIDE_HEIGHT, DILATION_HEIGHT, DILATION_WIDTH,
//         SPAN (source rows of a window, STRIDE_HEIGHT at least), KEPT (SPAN - STRIDE_HEIGHT),
//         WARM_UP (ceil(KEPT / STRIDE_HEIGHT)), and those of shared/strip_*.wgsl and shared/epilogue.wgsl.
//
// input: [N, groups * INPUTS, H, W]
// weight: [groups * OUTPUTS, INPUTS, KH, KW]
// output: [N, output channels, OH, OW], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/strip_*

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let strip = invocation % params.strips;
    let segment = invocation / params.strips % params.segments;
    let plane_set = invocation / (params.strips * params.segments);
    let first_channel = plane_set % params.groups * OUTPUTS;
    let columns = strip_columns(strip);
    let in_plane = params.in_height * (params.in_width / ITEM);
    let out_plane = params.out_height * (params.out_width / ITEM);
    let first_source = plane_set * INPUTS * in_plane;
    let first_target = plane_set * OUTPUTS * out_plane;

    var weights: array<array<f32, TAPS>, OUTPUTS>;
    var offsets: array<f32, OUTPUTS>;
    for (var output_channel = 0u; output_channel < OUTPUTS; output_channel++) { // unroll
        for (var tap = 0u; tap < TAPS; tap++) { // unroll
            weights[output_channel][tap] = load_weight((first_channel + output_channel) * TAPS + tap);
        }
        offsets[output_channel] = channel_offset(first_channel + output_channel);
    }

    let first_y = segment * params.segment_rows;
    let last_y = min(first_y + params.segment_rows, params.out_height);
    var rows: array<array<array<f32, WIDTH>, SPAN>, INPUTS>;
    // The first rounds only load.
    for (var round = first_y; round < last_y + WARM_UP; round++) {
        for (var input_channel = 0u; input_channel < INPUTS; input_channel++) { // unroll
            for (var row = 0u; row < KEPT; row++) { // unroll
                rows[input_channel][row] = rows[input_channel][row + STRIDE_HEIGHT];
            }
        }
        for (var row = 0u; row < STRIDE_HEIGHT; row++) { // unroll
            let padded_y = i32(round * STRIDE_HEIGHT + KEPT + row) - i32(WARM_UP * STRIDE_HEIGHT);
            let y = source_index(padded_y - i32(params.pad_top), i32(params.in_height));
            let source_row = first_source + u32(max(y, 0)) * (params.in_width / ITEM);
            for (var input_channel = 0u; input_channel < INPUTS; input_channel++) { // unroll
                rows[input_channel][KEPT + row] = load_row(source_row + input_channel * in_plane, columns, y >= 0, 0.0);
            }
        }
        if (round >= first_y + WARM_UP) {
            let target_row = first_target + (round - WARM_UP) * (params.out_width / ITEM);
            for (var output_channel = 0u; output_channel < OUTPUTS; output_channel++) { // unroll
                var sums: array<f32, 4>;
                for (var tap = 0u; tap < TAPS; tap++) { // unroll
                    const tap_x = tap % KERNEL_WIDTH;
                    const tap_y = tap / KERNEL_WIDTH % KERNEL_HEIGHT;
                    const input_channel = tap / (KERNEL_WIDTH * KERNEL_HEIGHT);
                    for (var i = 0u; i < 4u; i++) { // unroll
                        sums[i] = fma(
                            rows[input_channel][tap_y * DILATION_HEIGHT][i * STRIDE_WIDTH + tap_x * DILATION_WIDTH],
                            weights[output_channel][tap],
                            sums[i],
                        );
                    }
                }
                store_row(target_row + output_channel * out_plane, strip, sums, offsets[output_channel]);
            }
        }
    }
}
