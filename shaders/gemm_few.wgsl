// Matrix product as in gemm.wgsl, for at most four vectors of positions: lanes run along the output channels, four a lane, and
// so none is idle. One load brings all positions of TERMS input channels, and the subgroup hands them round.
// Header: LANES (8, in one subgroup), POSITIONS (vectors: 1, 2 or 4), TERMS (8 / POSITIONS), CHANNELS (32), and those of
// shared/epilogue.wgsl.
//
// input: [batch, groups, in_channels x positions]
// packed: [groups, channel_blocks, in_channels up to whole TERMS, CHANNELS]
// output: [batch, groups, out_channels x positions], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/product

fn run(workgroup: u32, lane: u32) {
    let own = part(workgroup);
    let source = own.first_source + min(lane % POSITIONS, params.positions - 1u);

    // A vector of four output channels for each number of each vector of positions.
    var sums: array<array<vec4<f32>, 4>, POSITIONS>;
    var weight_at = first_weight(own) / 4u + lane;
    for (var first = params.first_term; first < params.last_term; first += TERMS) {
        // The packed weights have zeros past the last term, and what they are multiplied with must not be infinite.
        let in_channel = first + lane / POSITIONS;
        let loaded = load_input(source + min(in_channel, params.in_channels - 1u) * params.in_channel_stride);
        let values = select(vec4(0.0), loaded, in_channel < params.in_channels);
        var weights: array<vec4<f32>, TERMS>;
        for (var term = 0u; term < TERMS; term++) { // unroll
            weights[term] = load_packed(weight_at + term * (CHANNELS / 4u));
        }
        for (var quad = 0u; quad < POSITIONS; quad++) { // unroll
            for (var i = 0u; i < 4u; i++) { // unroll
                for (var term = 0u; term < TERMS; term++) { // unroll
                    let value = subgroupBroadcast(values[i], term * POSITIONS + quad);
                    sums[quad][i] = fma(weights[term], vec4(value), sums[quad][i]);
                }
            }
        }
        weight_at += TERMS * (CHANNELS / 4u);
    }

    for (var j = 0u; j < 4u; j++) { // unroll
        let channel = own.channel_block * CHANNELS + lane * 4u + j;
        if (own.stores && channel < params.out_channels) {
            let offset = channel_offset(own.group * params.out_channels + channel);
            let target_row = own.first_target + channel * params.out_channel_stride;
            for (var quad = 0u; quad < POSITIONS; quad++) { // unroll
                if (quad < params.positions) {
                    let four = sums[quad];
                    store(target_row + quad, vec4(four[0][j], four[1][j], four[2][j], four[3][j]), offset);
                }
            }
        }
    }
}
