// Eight consecutive packed weights for every invocation: each lane loads one, and the subgroup hands them round.
// One gather instead of eight, where an adapter gathers even from uniform addresses (software adapters do).
// The workgroup is 8 wide and lies in one subgroup.
// packed: [block][tap][in channel][CHANNELS] as f32, CHANNELS a multiple of 8.
@group(0) @binding(2) var<storage, read> packed: array<f32>;

fn spread(offset: u32, lane: u32) -> array<f32, 8> {
    let own = packed[offset + lane];
    return array<f32, 8>(
        subgroupBroadcast(own, 0u), subgroupBroadcast(own, 1u), subgroupBroadcast(own, 2u), subgroupBroadcast(own, 3u),
        subgroupBroadcast(own, 4u), subgroupBroadcast(own, 5u), subgroupBroadcast(own, 6u), subgroupBroadcast(own, 7u),
    );
}
