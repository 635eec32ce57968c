// The number of a workgroup, where the host folded more than 65,535 of them into two dimensions.
fn workgroup_number(id: vec3<u32>, count: vec3<u32>) -> u32 {
    return id.y * count.x + id.x;
}
