//! How fast products of bytes can be.

use std::hint::black_box;

use super::dot::{Block, ColumnWords, PANELS, ROWS, RowWords, Vectors};
use crate::cpu::product::COLUMNS;

/// Steps of a block: its words are 16 KiB.
const STEPS: usize = 64;

/// Computes a block that is in the first-level cache so many times; how many multiply-adds that takes.
pub(crate) fn multiply_adds(times: usize) -> usize {
    let rows: Vec<RowWords> = vec![[0x0102_0304; ROWS]; STEPS];
    let columns: Vec<ColumnWords> = vec![[0x0506_0708; COLUMNS]; PANELS * STEPS];
    let mut sums = [[[0; COLUMNS]; PANELS]; ROWS];
    for _ in 0..times {
        let block = Block {
            rows: black_box(&rows),
            columns: black_box(&columns),
            signed_rows: true,
        };
        block.run(Vectors::best(), &mut sums.each_mut().map(<[_; PANELS]>::as_mut_slice));
    }
    black_box(&sums);
    times * 4 * STEPS * ROWS * PANELS * COLUMNS
}
