// Matrix product as in gemm.wgsl, for few positions: lanes run along the output channels, four a lane. Each lane loads one
// input channel of eight, which the subgroup hands round, and the weights of its own channels.
// Header: LANES (8, in one subgroup), POSITIONS, TERMS (8), CHANNELS (32), and those of shared/epilogue.wgsl.
//
// input: [batch, groups, in_channels x positions]
// packed: [groups, channel_blocks, in_channels up to whole TERMS, CHANNELS]
// output: [batch, groups, out_channels x positions], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/product

fn run(workgroup: u32, lane: u32) {
    let own = part(workgroup);
    let first_position = own.position_block * POSITIONS;

    var source: array<u32, POSITIONS>;
    for (var i = 0u; i < POSITIONS; i++) { // unroll
        source[i] = own.first_source + min(first_position + i, params.positions - 1u) * params.in_position_stride;
    }

    var sums: array<vec4<f32>, POSITIONS>;
    var weight_at = first_weight(own) / 4u + lane;
    for (var first = params.first_term; first < params.last_term; first += TERMS) {
        // The packed weights have zeros past the last term, and what they are multiplied with must not be infinite.
        let in_channel = first + lane;
        let own_channel = min(in_channel, params.in_channels - 1u) * params.in_channel_stride;
        var values: array<f32, POSITIONS>;
        for (var i = 0u; i < POSITIONS; i++) { // unroll
            values[i] = select(0.0, load_input(source[i] + own_channel), in_channel < params.in_channels);
        }
        for (var term = 0u; term < TERMS; term++) { // unroll
            let weights = load_packed(weight_at + term * (CHANNELS / 4u));
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                sums[i] = fma(weights, vec4(subgroupBroadcast(values[i], term)), sums[i]);
            }
        }
        weight_at += TERMS * (CHANNELS / 4u);
    }

    for (var j = 0u; j < 4u; j++) { // unroll
        let channel = own.channel_block * CHANNELS + lane * 4u + j;
        if (own.stores && channel < params.out_channels) {
            let offset = channel_offset(own.group * params.out_channels + channel);
            let target_row = own.first_target + channel * params.out_channel_stride;
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                if (first_position + i < params.positions) {
                    store(target_row + (first_position + i) * params.out_position_stride, sums[i][j], offset);
                }
            }
        }
    }
}
