// As shared/lanes_single.wgsl, where a workgroup's lanes are one subgroup: no barriers, which cost software adapters as much
// as a short row.

fn sum_of_lanes(own: f32, lane: u32) -> f32 {
    return subgroupAdd(own);
}

fn largest_of_lanes(own: f32, lane: u32) -> f32 {
    return subgroupMax(own);
}

fn largest_bits_of_lanes(own: u32, lane: u32) -> u32 {
    return subgroupMax(own);
}
