// The place of each maximum in its H * W plane.
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;       // [planes, OH, OW]

fn store_index(at: u32, index: u32) {
    indices[at] = index;
}
