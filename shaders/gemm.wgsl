// Matrix product of packed weights with a strided input: pointwise convolution (positions are pixels) and linear
// (positions are rows of the batch).
//
// An invocation computes CHANNELS output channels at POSITIONS positions, LANES apart. A position is one element or four
// (shared/vectors_*.wgsl); strides count in the same unit.
// The terms of a sum come TERMS at a time.
// Header: LANES, POSITIONS, TERMS, CHANNELS, QUADS (CHANNELS / 4), ROUND, LATER_CHANNELS (CHANNELS - ROUND), and those of shared/epilogue.wgsl.
//
// input: [batch, groups, in_channels x positions]
// packed: weights, see shared/spread_*.wgsl
// output: [batch, groups, out_channels x positions], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/product
#import shared/spread_*
#import shared/vectors_*

fn run(workgroup: u32, lane: u32) {
    let own = part(workgroup);
    // The last lanes may stand past the end: they compute along and store nothing.
    let first_position = own.position_block * LANES * POSITIONS + lane;

    var source: array<u32, POSITIONS>;
    for (var i = 0u; i < POSITIONS; i++) { // unroll
        source[i] = own.first_source + min(first_position + i * LANES, params.positions - 1u) * params.in_position_stride;
    }

    var sums: array<array<Vector, POSITIONS>, CHANNELS>;
    var weight_at = first_weight(own);
    var input_offset = params.first_term * params.in_channel_stride;
    for (var in_channel = params.first_term; in_channel < params.last_term; in_channel += TERMS) {
        var values: array<array<Vector, POSITIONS>, TERMS>;
        var weights: array<array<f32, CHANNELS>, TERMS>;
        for (var term = 0u; term < TERMS; term++) { // unroll
            // The packed weights have zeros past the last term, and what they are multiplied with must not be infinite.
            let is_there = term == 0u || in_channel + term < params.in_channels;
            let offset = input_offset + select(0u, term * params.in_channel_stride, is_there);
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                values[term][i] = select(Vector(0.0), load_input(source[i] + offset), is_there);
            }
            weights[term] = spread(weight_at + term * CHANNELS, lane);
        }
        for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                for (var term = 0u; term < TERMS; term++) { // unroll
                    sums[channel][i] = fma(values[term][i], Vector(weights[term][channel]), sums[channel][i]);
                }
            }
        }
        weight_at += TERMS * CHANNELS;
        input_offset += TERMS * params.in_channel_stride;
    }

    // ROUND channels a round, the next ones moved up after it: stores are dear to compile, so their code stands once.
    let first_channel = own.channel_block * CHANNELS;
    let last_channel = select(first_channel, min(first_channel + CHANNELS, params.out_channels), own.stores);
    for (var first = first_channel; first < last_channel; first += ROUND) {
        for (var j = 0u; j < ROUND; j++) { // unroll
            if (first + j < last_channel) {
                let offset = channel_offset(own.group * params.out_channels + first + j);
                let target_row = own.first_target + (first + j) * params.out_channel_stride;
                for (var i = 0u; i < POSITIONS; i++) { // unroll
                    store_vector(target_row, first_position + i * LANES, sums[j][i], offset);
                }
            }
        }
        for (var channel = 0u; channel < LATER_CHANNELS; channel++) { // unroll
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                sums[channel][i] = sums[channel + ROUND][i];
            }
        }
    }
}
