// The place of each maximum, as the parameters count it.
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;       // [planes, OH, OW]

fn store_index(at: u32, index: u32) {
    indices[at] = index;
}
