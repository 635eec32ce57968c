// The weights of one input channel for every invocation: each lane loads four, and the subgroup hands them round.
// One gather for all, where an adapter gathers even from uniform addresses (software adapters do).
// The workgroup is 8 wide and lies in one subgroup.
//
// packed: [block][tap][in channel][CHANNELS] as f32, CHANNELS 8, 16 or 32.

fn spread(offset: u32, lane: u32) -> array<f32, CHANNELS> {
    let own = load_packed(offset / 4u + lane % (CHANNELS / 4u));
    var weights: array<f32, CHANNELS>;
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
        for (var i = 0u; i < 4u; i++) { // unroll
            weights[quad * 4u + i] = subgroupBroadcast(own[i], quad);
        }
    }
    return weights;
}
