//! Linear layers: rows are positions whose channels lie together, and meet panels of weights as those of a convolution do.

use rayon::prelude::*;

use super::band::Band;
use super::conv::PanelSums;
use super::finish::Finish;
use super::layout::{BLOCK, whole};
use super::weights::Products;
use crate::cpu::epilogue::Epilogue;
use crate::cpu::gemm::with_scratch;

/// The most rows of a task, whose sums of a panel stay in the second-level cache.
const MOST_ROWS: usize = 1 << 10;

/// `[rows, in]` by packed weights into `[rows, out]`.
pub(in crate::cpu) fn linear(
    weights: &Products,
    input: &[f32],
    (rows, columns): (usize, usize),
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) {
    let inner = weights.terms();
    // What is added lies in rows, and with it all that follows waits until the sums do.
    let is_early = epilogue.residual.is_none();
    let bias = epilogue.bias.filter(|_| is_early).map(whole);
    let wanted = 4 * rayon::current_num_threads();
    let together = rows.div_ceil(wanted).clamp(24.min(rows), MOST_ROWS);
    // Where rows are few, panels are shared as well.
    let bands = rows.div_ceil(together);
    let parts = wanted.div_ceil(bands).clamp(1, weights.panels.len());
    let mut tasks = Vec::with_capacity(bands * parts);
    for (band, own) in output.chunks_mut(together * columns).enumerate() {
        let first = tasks.len();
        let share = |part: usize| part * weights.panels.len() / parts;
        tasks.extend((0..parts).map(|part| (band * together, share(part)..share(part + 1), Vec::new())));
        for mut row in own.chunks_exact_mut(columns) {
            for (_, panels, rows) in &mut tasks[first..] {
                let width: usize = weights.panels[panels.clone()].iter().map(|panel| panel.blocks * BLOCK).sum();
                let (own, others) = row.split_at_mut(width.min(row.len()));
                row = others;
                rows.push(own);
            }
        }
    }
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(first_row, panels, mut output)| {
            let count = output.len();
            let band = Band::of_line(&input[first_row * inner..(first_row + count) * inner], BLOCK, inner);
            let panels = &weights.panels[panels];
            let first_column = panels[0].first * BLOCK;
            for panel in panels {
                let start = panel.first * BLOCK;
                let kept = (panel.blocks * BLOCK).min(columns - start);
                with_scratch(panel.blocks * BLOCK * count, |sums| {
                    let mut blocks: Vec<&mut [f32]> = sums.chunks_exact_mut(BLOCK * count).collect();
                    let panel_sums = PanelSums {
                        weights,
                        panel,
                        band: &band,
                        width: count,
                        lanes: BLOCK,
                        kernel: (1, 1),
                        bias: bias.as_deref(),
                        finish: is_early.then(|| Finish::new(epilogue)),
                        block: 0,
                    };
                    panel_sums.add_up(&mut blocks);
                    for (row, output) in output.iter_mut().enumerate() {
                        let output = &mut output[start - first_column..][..kept];
                        for (target, block) in output.chunks_mut(BLOCK).zip(&blocks) {
                            target.copy_from_slice(&block[row * BLOCK..][..target.len()]);
                        }
                        if !is_early {
                            epilogue.apply((first_row + row) * columns + start, start, output);
                        }
                    }
                });
            }
        });
}
