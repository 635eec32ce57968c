// What the matrix products (gemm, gemv) have in common: their parameters, and which part of the product a workgroup computes.
// A position is a Real; strides and counts of positions are in the same unit.
struct Params {
    in_channels: u32,          // per group: the terms of each sum
    out_channels: u32,         // per group
    positions: u32,            // per batch entry
    position_blocks: u32,      // of as many positions as a workgroup computes
    channel_blocks: u32,       // ceil(out_channels / CHANNELS)
    groups: u32,
    batch: u32,
    in_channel_stride: u32,    // elements between the channels of one position
    in_position_stride: u32,   // elements between the positions of one channel
    out_channel_stride: u32,
    out_position_stride: u32,
    first_term: u32,           // the terms that this call sums, from a whole round of TERMS on; another has summed those before
    last_term: u32,            // not included
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;

struct Part {
    position_block: u32,
    channel_block: u32,
    group: u32,
    batch: u32,
    stores: bool,              // a folded dispatch may overshoot: what is past the end computes along and stores nothing
    first_source: u32,         // of the group's input
    first_target: u32,         // of the group's output
}

fn part(workgroup: u32) -> Part {
    let block_set = workgroup / params.position_blocks;
    let plane_set = block_set / params.channel_blocks;
    let group = plane_set % params.groups;
    let batch = min(plane_set / params.groups, params.batch - 1u);
    let plane = batch * params.groups + group;
    return Part(
        workgroup % params.position_blocks,
        block_set % params.channel_blocks,
        group,
        batch,
        plane_set / params.groups < params.batch,
        plane * params.in_channels * params.in_channel_stride,
        plane * params.out_channels * params.out_channel_stride,
    );
}

// Where the packed weights of a block of channels begin for this call's terms, in elements: each has zeros up to whole rounds of TERMS.
fn first_weight(own: Part) -> u32 {
    let depth = (params.in_channels + TERMS - 1u) / TERMS * TERMS;
    return ((own.group * params.channel_blocks + own.channel_block) * depth + params.first_term) * CHANNELS;
}
