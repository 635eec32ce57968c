// Depthwise convolution: one input channel per group, any number of output channels per group, and so also the plain
// one-channel filter.
//
// An invocation goes down a strip of four columns of outputs. It keeps the source rows of a window in registers, and each
// round loads those that the next outputs read besides.
// Header: LANES, KERNEL_HEIGHT, KERNEL_WIDTH, TAPS, STRIDE_HEIGHT, DILATION_HEIGHT, DILATION_WIDTH,
//         SPAN (source rows of a window, STRIDE_HEIGHT at least), KEPT (SPAN - STRIDE_HEIGHT),
//         WARM_UP (ceil(KEPT / STRIDE_HEIGHT)), and those of shared/strip_*.wgsl and shared/epilogue.wgsl.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    pad_top: u32,
    pad_left: u32,
    strips: u32,               // ceil(out_width / 4)
    segment_rows: u32,         // outputs that an invocation goes down
    segments: u32,             // ceil(out_height / segment_rows)
    invocations: u32,          // batch * channels * segments * strips
    channels: u32,             // output channels
    multiplier: u32,           // output channels per input channel
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Real>;              // [N, channels / multiplier, H, W]
@group(0) @binding(2) var<storage, read> weight: array<f32>;              // [channels, 1, KH, KW]
// bindings 3 to 5: bias, residual, output [N, output channels, OH, OW], see shared/epilogue.wgsl

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let invocation = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let strip = invocation % params.strips;
    let segment = invocation / params.strips % params.segments;
    let plane = invocation / (params.strips * params.segments);
    let channel = plane % params.channels;
    let columns = strip_columns(strip);
    let first_source = plane / params.multiplier * params.in_height * (params.in_width / ITEM);
    let first_target = plane * params.out_height * (params.out_width / ITEM);

    var weights: array<f32, TAPS>;
    for (var tap = 0u; tap < TAPS; tap++) { // unroll
        weights[tap] = weight[channel * TAPS + tap];
    }
    let offset = channel_offset(channel);

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
            rows[KEPT + row] = load_row(first_source + u32(max(y, 0)) * (params.in_width / ITEM), columns, y >= 0, 0.0);
        }
        if (round >= first_y + WARM_UP) {
            var sums: array<f32, 4>;
            for (var tap_y = 0u; tap_y < KERNEL_HEIGHT; tap_y++) { // unroll
                for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
                    for (var i = 0u; i < 4u; i++) { // unroll
                        sums[i] = fma(
                            rows[tap_y * DILATION_HEIGHT][i * STRIDE_WIDTH + tap_x * DILATION_WIDTH],
                            weights[tap_y * KERNEL_WIDTH + tap_x],
                            sums[i],
                        );
                    }
                }
            }
            store_row(first_target + (round - WARM_UP) * (params.out_width / ITEM), strip, sums, offset);
        }
    }
}
