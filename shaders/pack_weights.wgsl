// Packs a weight for conv2d_direct, gemm and what computes by tiles into [groups][channel block][tap][in channel][CHANNELS],
// with zeros for the channels that the last block lacks and the taps that the last slice lacks. It comes as [groups][out channel][in channel][tap], or, for transposed convolution,
// as [groups][in channel][out channel][tap].
//
// An invocation packs the channels of one tap and input channel.
// Header: LANES, CHANNELS (a multiple of 4).

fn run(workgroup: u32, lane: u32) {
    let row = workgroup * LANES + lane;
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
                four[i] = load_weight(first + channel * params.out_channel_stride);
            }
        }
        store_packed((row * CHANNELS + quad) / 4u, four);
    }
}
