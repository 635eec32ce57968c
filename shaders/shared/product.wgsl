// What the matrix products (gemm, gemv) have in common: which part of the product a workgroup computes.
// A position is a Real; strides and counts of positions are in the same unit.

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
