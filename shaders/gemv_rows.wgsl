// Matrix product of a plain weight with few positions, for adapters where a workgroup's loads are shared: real GPUs. Each term
// is read once and together with its neighbours, so that memory is what limits it.
//
// A workgroup computes CHANNELS output channels at POSITIONS positions. Lanes run along the terms, and their sums are added
// in pairs. A Terms is one term or four (shared/terms_*.wgsl).
// Header: LANES (a power of two), CHANNELS, POSITIONS, SUMS (CHANNELS * POSITIONS, at most LANES), and those of shared/epilogue.wgsl.
struct Params {
    terms: u32,                // of each sum, in units of Terms
    out_channels: u32,         // per group
    positions: u32,            // over the whole batch
    channel_blocks: u32,       // ceil(out_channels / CHANNELS)
    position_blocks: u32,      // ceil(positions / POSITIONS)
    groups: u32,
    workgroups: u32,           // groups * position_blocks * channel_blocks
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Terms>;             // [positions, groups, terms]
@group(0) @binding(2) var<storage, read> weight: array<Terms>;            // [groups, out_channels, terms]
// bindings 3 to 5: bias, residual, output [positions, groups, out_channels], see shared/epilogue.wgsl

var<workgroup> parts: array<f32, SUMS * LANES>;                           // [CHANNELS, POSITIONS, LANES]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
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
            values[i] = input[input_at[i] + term];
        }
        for (var channel = 0u; channel < CHANNELS; channel++) { // unroll
            let own = weight[weight_at[channel] + term];
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
