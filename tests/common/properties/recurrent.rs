//! Recurrent layers of each cell, in both directions.

use convoke::ops::{Recurrent, RecurrentCell};
use proptest::prelude::*;

use super::Case;

/// Of one element of the batch and of more than are computed by dot products, of one element of the state and of several vectors.
pub(crate) fn layers() -> impl Strategy<Value = Case> {
    let cells = prop::sample::select(vec![
        RecurrentCell::Lstm,
        RecurrentCell::Gru,
        RecurrentCell::Tanh,
        RecurrentCell::Relu,
    ]);
    let hidden = prop::sample::select(vec![1, 2, 3, 5, 8, 21, 40, 70]);
    (cells, any::<bool>(), 1..=4usize, 1..=7usize, hidden, any::<u64>()).prop_map(|(cell, reverse, steps, batch, hidden, seed)| {
        let rows = cell.gates() * hidden;
        let mut shapes = vec![vec![steps, batch, rows], vec![rows, hidden], vec![rows], vec![batch, hidden]];
        if cell == RecurrentCell::Lstm {
            shapes.push(vec![batch, hidden]);
        }
        Case::new(Recurrent::new(cell).reverse(reverse), shapes, seed)
    })
}
