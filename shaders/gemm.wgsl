// Matrix product of packed weights with a strided input: pointwise convolution (positions are pixels) and linear
// (positions are rows of the batch).
//
// An invocation computes CHANNELS output channels at POSITIONS positions, LANES apart. A position is one element or four
// (shared/reals_*.wgsl); strides count in the same unit.
// The terms of a sum come TERMS at a time, and their number is a multiple of it.
// Header: LANES, POSITIONS, TERMS, CHANNELS, QUADS (CHANNELS / 4), LATER_CHANNELS (CHANNELS - 4), and those of shared/epilogue.wgsl.
@group(0) @binding(1) var<storage, read> input: array<Real>;              // [batch, groups, in_channels x positions]
// binding 2: packed weights, see shared/spread_*.wgsl
// bindings 3 to 5: bias, residual, output [batch, groups, out_channels x positions], see shared/epilogue.wgsl

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let own = part(workgroup_number(workgroup_id, workgroup_count));
    // The last lanes may stand past the end: they compute along and store nothing.
    let first_position = own.position_block * LANES * POSITIONS + lane;

    var source: array<u32, POSITIONS>;
    for (var i = 0u; i < POSITIONS; i++) { // unroll
        source[i] = own.first_source + min(first_position + i * LANES, params.positions - 1u) * params.in_position_stride;
    }

    var sums: array<array<Real, POSITIONS>, CHANNELS>;
    var weight_at = first_weight(own);
    var input_offset = 0u;
    for (var in_channel = 0u; in_channel < params.in_channels; in_channel += TERMS) {
        var values: array<array<Real, POSITIONS>, TERMS>;
        var weights: array<array<f32, CHANNELS>, TERMS>;
        for (var term = 0u; term < TERMS; term++) { // unroll
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                values[term][i] = input[source[i] + input_offset + term * params.in_channel_stride];
            }
            weights[term] = spread(weight_at + term * CHANNELS, lane);
        }
        for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                for (var term = 0u; term < TERMS; term++) { // unroll
                    sums[channel][i] = fma(values[term][i], Real(weights[term][channel]), sums[channel][i]);
                }
            }
        }
        weight_at += TERMS * CHANNELS;
        input_offset += TERMS * params.in_channel_stride;
    }

    // Four channels a round, the next four moved up after it: stores are dear to compile, so their code stands once.
    let first_channel = own.channel_block * CHANNELS;
    let last_channel = select(first_channel, min(first_channel + CHANNELS, params.out_channels), own.stores);
    for (var quad = first_channel; quad < last_channel; quad += 4u) {
        for (var j = 0u; j < 4u; j++) { // unroll
            if (quad + j < last_channel) {
                let offset = channel_offset(own.group * params.out_channels + quad + j);
                let target_row = own.first_target + (quad + j) * params.out_channel_stride;
                for (var i = 0u; i < POSITIONS; i++) { // unroll
                    let position = first_position + i * LANES;
                    if (position < params.positions) {
                        store(target_row + position * params.out_position_stride, sums[j][i], offset);
                    }
                }
            }
        }
        for (var channel = 0u; channel < LATER_CHANNELS; channel++) { // unroll
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                sums[channel][i] = sums[channel + 4u][i];
            }
        }
    }
}
