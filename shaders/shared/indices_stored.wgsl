// The place of each maximum, as the parameters count it.
//
// indices: [planes, OH, OW]

fn store_index(at: u32, index: u32) {
    store_indices(at, index);
}
