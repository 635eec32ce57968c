//! Mutations of models by their structure.

use convoke::testing::Random;

use super::wire::{self, Kind};

/// Changes one to three fields of the model that the first `size` bytes are, and gives how many it has then: libFuzzer's mutation by
/// structure. None once in four times, where the bytes are no model, and where there would be more than `max_size`: then bytes are to
/// be changed.
pub fn with_changed_fields(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> Option<usize> {
    if seed.is_multiple_of(4) {
        return None;
    }
    let changed = changed(&data[..size], seed).filter(|changed| changed.len() <= max_size)?;
    data[..changed.len()].copy_from_slice(&changed);
    Some(changed.len())
}

fn changed(bytes: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut tree = wire::decode(bytes, Kind::Model)?;
    let mut words = Vec::new();
    wire::strings(&tree, &mut words);
    words.extend(OPERATORS.map(|name| name.as_bytes().to_vec()));
    wire::change(&mut tree, &mut Random::new(seed.into()), &words);
    Some(wire::encode(&tree))
}

/// Operators that a node may become. There are more in the corpus.
const OPERATORS: [&str; 20] = [
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "Gemm",
    "MatMul",
    "Reshape",
    "Concat",
    "Slice",
    "Gather",
    "Resize",
    "Pad",
    "Expand",
    "Loop",
    "If",
    "Scan",
    "Einsum",
    "Range",
    "Tile",
    "NonZero",
    "QLinearConv",
];
