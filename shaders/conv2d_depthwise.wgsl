// Depthwise convolution: one input channel per group, any number of output channels per group, and so also the plain
// one-channel filter.
//
// An invocation computes ROWS outputs of one column. For each tap column it loads each source row once and uses it for
// every output row whose window covers it.
// Header: LANES, ROWS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_HEIGHT, DILATION_HEIGHT, PADDING_MODE,
//         SPAN ((ROWS - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT + 1), and those of shared/epilogue.wgsl.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    stride_width: u32,
    dilation_width: u32,
    pad_top: u32,
    pad_left: u32,
    row_blocks: u32,           // ceil(out_height / ROWS)
    position_blocks: u32,      // ceil(row_blocks * out_width / LANES)
    channels: u32,             // output channels
    multiplier: u32,           // output channels per input channel
    planes: u32,               // batch * channels
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [N, channels / multiplier, H, W]
@group(0) @binding(2) var<storage, read> weight: array<f32>;              // [channels, 1, KH, KW]
// bindings 3 to 5: bias, residual, output [N, output channels, OH, OW], see shared/epilogue.wgsl

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
    let channel = plane % params.channels;
    let first_source = plane / params.multiplier * params.in_height * params.in_width;

    var source: array<u32, SPAN>;
    var inside: array<bool, SPAN>;
    for (var slot = 0u; slot < SPAN; slot++) { // unroll
        let y = source_index(i32(first_y * STRIDE_HEIGHT + slot) - i32(params.pad_top), i32(params.in_height));
        inside[slot] = y >= 0;
        source[slot] = first_source + select(0u, u32(y) * params.in_width, inside[slot]);
    }

    var sums: array<f32, ROWS>;
    for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
        let x = source_index(i32(out_x * params.stride_width + tap_x * params.dilation_width) - i32(params.pad_left), i32(params.in_width));
        let column = u32(max(x, 0));
        var values: array<f32, SPAN>;
        for (var slot = 0u; slot < SPAN; slot++) { // unroll
            values[slot] = input[source[slot] + column];
            if (PADDING_MODE == ZEROS) {
                values[slot] = select(0.0, values[slot], inside[slot] && x >= 0);
            }
        }
        for (var tap_y = 0u; tap_y < KERNEL_HEIGHT; tap_y++) { // unroll
            let factor = weight[(channel * KERNEL_HEIGHT + tap_y) * KERNEL_WIDTH + tap_x];
            for (var row = 0u; row < ROWS; row++) { // unroll
                sums[row] = fma(values[row * STRIDE_HEIGHT + tap_y * DILATION_HEIGHT], factor, sums[row]);
            }
        }
    }

    let offset = channel_offset(channel);
    let target_plane = plane * params.out_height * params.out_width + out_x;
    for (var row = 0u; row < ROWS; row++) { // unroll
        if (first_y + row < params.out_height) {
            store(target_plane + (first_y + row) * params.out_width, sums[row], offset);
        }
    }
}
