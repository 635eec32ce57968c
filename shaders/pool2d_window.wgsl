// Maximum or average over a small fixed window.
//
// An invocation computes ROWS outputs of one column. For each tap column it loads each source row once and uses it for
// every output row whose window covers it. Padding never wins a maximum and adds nothing to an average.
// Header: LANES, ROWS, IS_MAX, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_HEIGHT, DILATION_HEIGHT,
//         SPAN ((ROWS - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT + 1).
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    stride_width: u32,
    dilation_width: u32,
    pad_top: u32,
    pad_left: u32,
    padded_height: u32,        // in_height + both paddings; the average's window is clipped to it where padding counts
    padded_width: u32,
    row_blocks: u32,           // ceil(out_height / ROWS)
    position_blocks: u32,      // ceil(row_blocks * out_width / LANES)
    planes: u32,               // N * C
    count_include_pad: u32,
    divisor_override: f32,     // 0 for none
    lowest: u32,               // the bits of minus infinity, which WGSL has no literal for
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
    let plane = workgroup / params.position_blocks;
    let position = (workgroup % params.position_blocks) * LANES + lane;
    let row_block = position / params.out_width;
    if (plane >= params.planes || row_block >= params.row_blocks) {
        return;
    }
    let out_x = position % params.out_width;
    let first_y = row_block * ROWS;
    let first_source = plane * params.in_height * params.in_width;

    let neutral = select(0.0, bitcast<f32>(params.lowest), IS_MAX == 1u);
    var source: array<u32, SPAN>;
    var inside: array<bool, SPAN>;
    for (var slot = 0u; slot < SPAN; slot++) { // unroll
        let y = i32(first_y * STRIDE_HEIGHT + slot) - i32(params.pad_top);
        inside[slot] = y >= 0 && y < i32(params.in_height);
        source[slot] = first_source + select(0u, u32(y) * params.in_width, inside[slot]);
    }

    var results: array<f32, ROWS>;
    // The largest magnitude seen, as bits: past infinity's it is a NaN, which `max` may have dropped.
    var magnitudes: array<u32, ROWS>;
    for (var row = 0u; row < ROWS; row++) { // unroll
        results[row] = neutral;
    }
    let first_x = i32(out_x * params.stride_width) - i32(params.pad_left);
    for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
        let x = first_x + i32(tap_x * params.dilation_width);
        let inside_x = x >= 0 && x < i32(params.in_width);
        let column = select(0u, u32(x), inside_x);
        var values: array<f32, SPAN>;
        for (var slot = 0u; slot < SPAN; slot++) { // unroll
            values[slot] = select(neutral, input[source[slot] + column], inside[slot] && inside_x);
        }
        for (var tap_y = 0u; tap_y < KERNEL_HEIGHT; tap_y++) { // unroll
            for (var row = 0u; row < ROWS; row++) { // unroll
                let value = values[row * STRIDE_HEIGHT + tap_y * DILATION_HEIGHT];
                if (IS_MAX == 1u) {
                    results[row] = max(results[row], value);
                    magnitudes[row] = max(magnitudes[row], bitcast<u32>(value) & 0x7fffffffu);
                } else {
                    results[row] += value;
                }
            }
        }
    }

    let target_plane = plane * params.out_height * params.out_width + out_x;
    for (var row = 0u; row < ROWS; row++) { // unroll
        let out_y = first_y + row;
        if (out_y < params.out_height) {
            var result = results[row];
            if (IS_MAX == 1u) {
                if (magnitudes[row] > INFINITY_BITS) {
                    result = bitcast<f32>(magnitudes[row]);
                }
            } else {
                result /= average_divisor(i32(out_y * STRIDE_HEIGHT) - i32(params.pad_top), first_x);
            }
            output[target_plane + out_y * params.out_width] = result;
        }
    }
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
