// Maximum or average over a small fixed window.
//
// An invocation goes down a strip of four columns of outputs. It keeps the source rows of a window in registers, and each
// round loads those that the next outputs read besides. Padding never wins a maximum and adds nothing to an average.
// Header: LANES, IS_MAX, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_HEIGHT, DILATION_HEIGHT, DILATION_WIDTH,
//         SPAN (source rows of a window, STRIDE_HEIGHT at least), KEPT (SPAN - STRIDE_HEIGHT),
//         WARM_UP (ceil(KEPT / STRIDE_HEIGHT)), and those of shared/strip_*.wgsl, PADDING_MODE being 0.
//
// input: [planes, H, W]
// output: [planes, OH, OW]
#import shared/reals_*
#import shared/strip_*

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let strip = invocation % params.strips;
    let segment = invocation / params.strips % params.segments;
    let plane = invocation / (params.strips * params.segments);
    let columns = strip_columns(strip);
    let first_source = plane * params.in_height * (params.in_width / ITEM);
    let first_target = plane * params.out_height * (params.out_width / ITEM);
    let neutral = select(0.0, bitcast<f32>(params.lowest), IS_MAX == 1u);

    let first_y = segment * params.segment_rows;
    let last_y = min(first_y + params.segment_rows, params.out_height);
    var rows: array<array<f32, WIDTH>, SPAN>;
    // The first rounds only load.
    for (var round = first_y; round < last_y + WARM_UP; round++) {
        for (var row = 0u; row < KEPT; row++) { // unroll
            rows[row] = rows[row + STRIDE_HEIGHT];
        }
        for (var row = 0u; row < STRIDE_HEIGHT; row++) { // unroll
            let padded_y = i32(round * STRIDE_HEIGHT + KEPT + row) - i32(WARM_UP * STRIDE_HEIGHT);
            let y = source_index(padded_y - i32(params.pad_top), i32(params.in_height));
            rows[KEPT + row] = load_row(first_source + u32(max(y, 0)) * (params.in_width / ITEM), columns, y >= 0, neutral);
        }
        if (round >= first_y + WARM_UP) {
            let out_y = round - WARM_UP;
            var results: array<f32, 4>;
            for (var i = 0u; i < 4u; i++) { // unroll
                var result = neutral;
                // The largest magnitude seen, as bits: past infinity's it is a NaN, which `max` may have dropped.
                var magnitude = 0u;
                for (var tap_y = 0u; tap_y < KERNEL_HEIGHT; tap_y++) { // unroll
                    for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
                        let value = rows[tap_y * DILATION_HEIGHT][i * STRIDE_WIDTH + tap_x * DILATION_WIDTH];
                        if (IS_MAX == 1u) {
                            result = max(result, value);
                            magnitude = max(magnitude, bitcast<u32>(value) & 0x7fffffffu);
                        } else {
                            result += value;
                        }
                    }
                }
                if (IS_MAX == 1u) {
                    result = select(result, bitcast<f32>(magnitude), magnitude > INFINITY_BITS);
                } else {
                    let first_x = i32((strip * 4u + i) * STRIDE_WIDTH) - i32(params.pad_left);
                    result /= average_divisor(i32(out_y * STRIDE_HEIGHT) - i32(params.pad_top), first_x);
                }
                results[i] = result;
            }
            store_row(first_target + out_y * (params.out_width / ITEM), strip, results, 0.0);
        }
    }
}

fn store(at: u32, value: Real, offset: f32) {
    store_output(at, value);
}

// The number that an average divides by, for the window that starts at (first_y, first_x).
fn average_divisor(first_y: i32, first_x: i32) -> f32 {
    if (params.divisor_override != 0.0) {
        return params.divisor_override;
    }
    var end_y = min(first_y + i32(KERNEL_HEIGHT), i32(params.padded_height - params.pad_top));
    var end_x = min(first_x + i32(KERNEL_WIDTH), i32(params.padded_width - params.pad_left));
    var start_y = first_y;
    var start_x = first_x;
    if (params.count_include_pad == 0u) {
        end_y = min(end_y, i32(params.in_height));
        end_x = min(end_x, i32(params.in_width));
        start_y = max(start_y, 0);
        start_x = max(start_x, 0);
    }
    return f32((end_y - start_y) * (end_x - start_x));
}
