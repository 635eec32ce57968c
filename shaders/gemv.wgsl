// Matrix product as in gemm.wgsl, for few positions: lanes run along the output channels, four a lane. Each lane loads one
// input channel of eight, which the subgroup hands round, and the weights of its own channels.
// Header: LANES (8, in one subgroup), POSITIONS, CHANNELS (32), and those of shared/epilogue.wgsl.
struct Params {
    in_channels: u32,          // per group: the terms of each sum
    out_channels: u32,         // per group
    positions: u32,            // per batch entry
    position_blocks: u32,      // ceil(positions / POSITIONS)
    channel_blocks: u32,       // ceil(out_channels / CHANNELS)
    groups: u32,
    batch: u32,
    in_channel_stride: u32,    // elements between the channels of one position
    in_position_stride: u32,   // elements between the positions of one channel
    out_channel_stride: u32,
    out_position_stride: u32,
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [batch, groups, in_channels x positions]
@group(0) @binding(2) var<storage, read> packed: array<vec4<f32>>;        // [groups, channel_blocks, in_channels, CHANNELS]
// bindings 3 to 5: bias, residual, output [batch, groups, out_channels x positions], see shared/epilogue.wgsl

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
    let channel_block = (workgroup / params.position_blocks) % params.channel_blocks;
    let plane_set = workgroup / (params.position_blocks * params.channel_blocks);
    let group = plane_set % params.groups;
    // A folded dispatch may overshoot: it computes along and stores nothing.
    let stores = plane_set / params.groups < params.batch;
    let batch = min(plane_set / params.groups, params.batch - 1u);
    let first_position = (workgroup % params.position_blocks) * POSITIONS;

    let first_source = (batch * params.groups + group) * params.in_channels * params.positions;
    var source: array<u32, POSITIONS>;
    for (var i = 0u; i < POSITIONS; i++) { // unroll
        source[i] = first_source + min(first_position + i, params.positions - 1u) * params.in_position_stride;
    }

    var sums: array<vec4<f32>, POSITIONS>;
    var weight_at = (group * params.channel_blocks + channel_block) * params.in_channels * (CHANNELS / 4u) + lane;
    for (var first = 0u; first < params.in_channels; first += 8u) {
        let own = min(first + lane, params.in_channels - 1u) * params.in_channel_stride;
        var values: array<f32, POSITIONS>;
        for (var i = 0u; i < POSITIONS; i++) { // unroll
            values[i] = input[source[i] + own];
        }
        for (var j = 0u; j < 8u; j++) { // unroll
            if (first + j < params.in_channels) {
                let weights = packed[weight_at];
                for (var i = 0u; i < POSITIONS; i++) { // unroll
                    sums[i] = fma(weights, vec4(subgroupBroadcast(values[i], j)), sums[i]);
                }
                weight_at += CHANNELS / 4u;
            }
        }
    }

    let first_target = (batch * params.groups + group) * params.out_channels * params.positions;
    for (var j = 0u; j < 4u; j++) { // unroll
        let channel = channel_block * CHANNELS + lane * 4u + j;
        if (stores && channel < params.out_channels) {
            let offset = channel_offset(group * params.out_channels + channel);
            let target_row = first_target + channel * params.out_channel_stride;
            for (var i = 0u; i < POSITIONS; i++) { // unroll
                if (first_position + i < params.positions) {
                    store(target_row + (first_position + i) * params.out_position_stride, sums[i][j], offset);
                }
            }
        }
    }
}
