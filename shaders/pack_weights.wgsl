// Packs a weight for conv2d_direct, gemm and what computes by tiles into [groups][channel block][tap][in channel][CHANNELS],
// with zeros for the channels that the last block lacks and the taps that the last slice lacks. It comes as [groups][out channel][in channel][tap], or, for transposed convolution,
// as [groups][in channel][out channel][tap].
//
// An invocation packs the channels of one tap and input channel.
// Header: LANES, CHANNELS (a multiple of 4).
struct Params {
    in_channels: u32,          // per group
    out_channels: u32,         // per group
    taps: u32,
    channel_blocks: u32,       // ceil(out_channels / CHANNELS)
    depth: u32,                // rows of a block: taps * in_channels, or more, in whole slices
    rows: u32,                 // of CHANNELS elements in the packed weight
    out_channel_stride: u32,   // elements between the output channels of the weight
    in_channel_stride: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (row >= params.rows) {
        return;
    }
    let block = row / params.depth;
    let term = row % params.depth;
    let in_channel = term % params.in_channels;
    let tap = term / params.in_channels;
    let group = block / params.channel_blocks * params.out_channels * params.in_channels * params.taps;
    let first = group + in_channel * params.in_channel_stride + tap;
    let first_channel = block % params.channel_blocks * CHANNELS;
    for (var quad = 0u; quad < CHANNELS; quad += 4u) {
        var four = vec4(0.0);
        for (var i = 0u; i < 4u; i++) { // unroll
            let channel = first_channel + quad + i;
            if (tap < params.taps && channel < params.out_channels) {
                four[i] = weight[first + channel * params.out_channel_stride];
            }
        }
        packed[(row * CHANNELS + quad) / 4u] = four;
    }
}
