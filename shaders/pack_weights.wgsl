// Packs a weight for conv2d_direct and gemm into [groups][channel block][tap][in channel][CHANNELS], with zeros for the
// channels that the last block lacks. It comes as [groups][out channel][in channel][tap], or, for transposed convolution,
// as [groups][in channel][out channel][tap].
// Header: LANES, CHANNELS.
struct Params {
    in_channels: u32,          // per group
    out_channels: u32,         // per group
    taps: u32,
    channel_blocks: u32,       // ceil(out_channels / CHANNELS)
    elements: u32,             // of the packed weight
    out_channel_stride: u32,   // elements between the output channels of the weight
    in_channel_stride: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let element = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (element >= params.elements) {
        return;
    }
    let row = element / CHANNELS;
    let in_channel = row % params.in_channels;
    let tap = row / params.in_channels % params.taps;
    let block = row / (params.in_channels * params.taps);
    let channel = block % params.channel_blocks * CHANNELS + element % CHANNELS;
    let group = block / params.channel_blocks * params.out_channels * params.in_channels * params.taps;
    var value = 0.0;
    if (channel < params.out_channels) {
        value = weight[group + channel * params.out_channel_stride + in_channel * params.in_channel_stride + tap];
    }
    packed[element] = value;
}
