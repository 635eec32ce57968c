// Matrix product of a plain weight with few positions, for adapters where a workgroup's loads are shared: real GPUs. Each term
// is read once and together with its neighbours, so that memory is what limits it.
//
// A workgroup computes CHANNELS output channels at POSITIONS positions. Lanes run along the terms, and their sums are added
// in pairs. A Terms is one term or four (shared/terms_*.wgsl).
// Header: LANES (a power of two), CHANNELS, POSITIONS, SUMS (CHANNELS * POSITIONS, at most LANES), and those of shared/epilogue.wgsl.
//
// input: [positions, groups, terms]
// weight: [groups, out_channels, terms]
// output: [positions, groups, out_channels], and bias and residual as shared/epilogue.wgsl says
#import shared/epilogue
#import shared/terms_*

var<workgroup> parts: array<f32, SUMS * LANES>;                           // [CHANNELS, POSITIONS, LANES]

fn run(workgroup: u32, lane: u32) {
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (workgroup >= params.workgroups) {
        return;
    }
    let first_channel = workgroup % params.channel_blocks * CHANNELS;
    let block = workgroup / params.channel_blocks;
    let first_position = block % params.position_blocks * POSITIONS;
    let group = block / params.position_blocks;

    // What stands past the end computes along with the last and is not stored.
    var weight_at: array<u32, CHANNELS>;
    for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
        weight_at[channel] = (group * params.out_channels + min(first_channel + channel, params.out_channels - 1u)) * params.terms;
    }
    var input_at: array<u32, POSITIONS>;
    for (var i = 0u; i < POSITIONS; i++) { // unroll
        input_at[i] = (min(first_position + i, params.positions - 1u) * params.groups + group) * params.terms;
    }
    var sums: array<array<Terms, POSITIONS>, CHANNELS>;
    for (var term = lane; term < params.terms; term += LANES) {
        var values: array<Terms, POSITIONS>;
        for (var i = 0u; i < POSITIONS; i++) { // unroll
            values[i] = load_input(input_at[i] + term);
        }
        for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
            let own = load_weight(weight_at[channel] + term);
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                sums[channel][i] = fma(own, values[i], sums[channel][i]);
            }
        }
    }

    for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
        for (var i = 0u; i < POSITIONS; i++) { // unroll
            parts[(channel * POSITIONS + i) * LANES + lane] = total(sums[channel][i]);
        }
    }
    for (var apart = LANES / 2u; apart > 0u; apart /= 2u) {
        workgroupBarrier();
        if (lane < apart) {
            for (var at = lane; at < SUMS * LANES; at += LANES) {
                parts[at] += parts[at + apart];
            }
        }
    }
    workgroupBarrier();
    let channel = first_channel + lane / POSITIONS;
    let position = first_position + lane % POSITIONS;
    if (lane < SUMS && channel < params.out_channels && position < params.positions) {
        let out_channel = group * params.out_channels + channel;
        store(position * params.groups * params.out_channels + out_channel, parts[lane * LANES], channel_offset(out_channel));
    }
}
