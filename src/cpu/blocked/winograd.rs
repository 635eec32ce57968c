//! Winograd's F(2x2, 3x3): tiles of 2x2 outputs from 16 products of transformed elements by transformed weights, where the definition has 36.
//!
//! Each of the 16 is a pointwise convolution of a band's tiles, by the sums that all convolutions have. `docs/numerics.md` has the errors.

use pulp::{Simd, WithSimd};

use super::band::{Band, Rows};
use super::conv::{PanelSums, Problem, Task, tasks};
use super::finish::Finish;
use super::layout::{BLOCK, blocks};
use super::tiles::{PATCH, PRODUCTS, TILE, of_product, tiles};
use super::weights::{Panel, Products, Transformed};
use crate::cpu::gemm::with_scratch;
use crate::cpu::parallel;
use crate::cpu::plane::Plane;
use crate::cpu::vectors::dispatch;

/// Makes, or has, the weights of the definition.
pub(super) type Direct<'a> = &'a (dyn Fn() -> &'a Products + Sync);

pub(super) fn run(problem: &Problem<'_>, weights: &Transformed, direct: Direct<'_>, output: &mut [f32]) {
    let tasks = tasks(problem.schedule, weights.panels(), output);
    parallel::for_each(tasks, |task| task.run_tiles(problem, weights, direct));
}

/// The tiles of a band.
#[derive(Clone, Copy)]
struct Tiles {
    rows: usize,
    columns: usize,
    /// How far apart a tile's outputs are, down and across.
    apart: [usize; 2],
    /// Output rows and columns, of which the last tiles may have one less.
    height: usize,
    width: usize,
}

impl Tiles {
    fn of(plane: &Plane, rows: &Rows) -> Self {
        let height = rows.range.len();
        let down = plane.row.map_or(1, |row| row.dilation);
        Self {
            rows: height.div_ceil(TILE * down) * down,
            columns: tiles(&plane.columns),
            apart: [down, plane.columns.dilation],
            height,
            width: plane.output.width,
        }
    }

    fn count(self) -> usize {
        self.rows * self.columns
    }

    /// The first output row of a row of tiles.
    fn row(self, tiles: usize) -> usize {
        let down = self.apart[0];
        tiles / down * TILE * down + tiles % down
    }

    /// The first output column of a tile.
    fn column(self, tile: usize) -> usize {
        let (phase, own) = (tile / self.across(), tile % self.across());
        own * TILE * self.apart[1] + phase
    }

    /// Tiles of each of the columns that are apart.
    fn across(self) -> usize {
        self.columns / self.apart[1]
    }
}

impl Task<'_, '_, f32> {
    fn run_tiles(mut self, problem: &Problem<'_>, weights: &Transformed, direct: Direct<'_>) {
        let (plane, rows, reads) = (problem.plane, self.rows, &problem.schedule.reads);
        let image = problem.image(self.image);
        let of_all = blocks(plane.in_channels);
        let tiles = Tiles::of(plane, rows);
        let count = tiles.count();
        let of_panels: usize = self.panels.iter().map(|panel| panel.blocks).sum();
        let (of_elements, of_sums) = (of_product(of_all, count), of_product(of_panels, count));
        let copied = reads.scratch(rows, of_all).next_multiple_of(BLOCK);
        let positions = plane.output.height * plane.output.width;
        with_scratch(copied + PRODUCTS * (of_elements + of_sums), |scratch| {
            let (copied, scratch) = scratch.split_at_mut(copied);
            let (elements, sums) = scratch.split_at_mut(PRODUCTS * of_elements);
            let band = reads.band(&image, 0..of_all, rows, 0.0, copied);
            dispatch(Elements {
                band: &band,
                tiles,
                blocks: of_all,
                target: &mut *elements,
            });
            let products = elements.chunks_exact(of_elements).zip(sums.chunks_exact_mut(of_sums));
            for ((elements, mut sums), weights) in products.zip(weights.products()) {
                for panel in self.panels {
                    let (own, others) = sums.split_at_mut(panel.blocks * count * BLOCK);
                    sums = others;
                    add_up(weights, panel, &elements[..of_all * count * BLOCK], own);
                }
            }
            let mut outputs = self.output.as_mut_slice();
            let mut first = 0;
            for panel in self.panels {
                let (own, others) = std::mem::take(&mut outputs).split_at_mut(panel.blocks);
                outputs = others;
                let are_finite = dispatch(Outputs {
                    sums: &sums[first * count * BLOCK..],
                    of_sums,
                    tiles,
                    bias: problem.bias.map(|bias| &bias[panel.channels()]),
                    output: &mut *own,
                });
                first += panel.blocks;
                if !are_finite {
                    add_up_directly(problem, direct(), panel, &band, own);
                }
                let finish = problem.finish_of(self.image, panel, rows);
                for (number, output) in own.iter_mut().enumerate() {
                    dispatch(Finishing {
                        finish,
                        place: number * positions * BLOCK,
                        output,
                    });
                }
            }
        });
    }
}

/// One product's sums over all channels for a panel.
fn add_up(weights: &Products, panel: &Panel, elements: &[f32], sums: &mut [f32]) {
    let of_block = sums.len() / panel.blocks;
    let mut output: Vec<&mut [f32]> = sums.chunks_exact_mut(of_block).collect();
    let panel_sums = PanelSums {
        weights,
        panel,
        band: &Band::of_line(elements, of_block, BLOCK),
        width: of_block / BLOCK,
        lanes: BLOCK,
        kernel: (1, 1),
        bias: None,
        finish: None,
        block: 0,
    };
    panel_sums.add_up(&mut output);
}

/// Outputs that are not finite by the definition: transforms make NaN and infinities where it has none.
fn add_up_directly(problem: &Problem<'_>, weights: &Products, panel: &Panel, band: &Band<'_, f32>, output: &mut [&mut [f32]]) {
    let length = output[0].len();
    let mut direct = vec![0.0; panel.blocks * length];
    let mut sums: Vec<&mut [f32]> = direct.chunks_exact_mut(length).collect();
    problem.add_up(weights, panel, band, &mut sums, None);
    for (output, sums) in output.iter_mut().zip(sums) {
        for (output, &mut sum) in output.iter_mut().zip(sums) {
            if !output.is_finite() {
                *output = sum;
            }
        }
    }
}

struct Finishing<'a> {
    finish: Finish<'a>,
    place: usize,
    output: &'a mut [f32],
}

impl WithSimd for Finishing<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.finish.apply(simd, self.place, self.output);
    }
}

/// The transform of a band's elements.
struct Elements<'a> {
    band: &'a Band<'a, f32>,
    tiles: Tiles,
    blocks: usize,
    /// `[product][block][tile][16]`.
    target: &'a mut [f32],
}

impl WithSimd for Elements<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (band, tiles) = (self.band, self.tiles);
        let vectors = BLOCK / S::F32_LANES;
        let (data, _) = S::as_simd_f32s(band.data);
        let (target, _) = S::as_mut_simd_f32s(self.target);
        let of_product = target.len() / PRODUCTS;
        let [down, across] = tiles.apart;
        // What stands beyond the last row or column is of no output, whatever is read in its place.
        let last = tiles.width + 2 * across - 1;
        for block in 0..self.blocks {
            for row in 0..tiles.rows {
                let first = tiles.row(row).min(tiles.height - 1);
                let second = (first + down).min(tiles.height - 1);
                let places = [
                    first,
                    tiles.height + first,
                    2 * tiles.height + first,
                    2 * tiles.height + second,
                ];
                let mut rows = [0; PATCH];
                for i in 0..PATCH {
                    rows[i] = (block * band.block + band.rows[places[i]]) / S::F32_LANES;
                }
                for phase in 0..across {
                    let first = (block * tiles.count() + row * tiles.columns + phase * tiles.across()) * vectors;
                    for v in 0..vectors {
                        let places = Columns {
                            first: phase,
                            apart: across,
                            last,
                            vectors,
                            v,
                        };
                        patches::<S>(
                            simd,
                            data,
                            rows,
                            places,
                            &mut target[first + v..],
                            (of_product, tiles.across()),
                        );
                    }
                }
            }
        }
    }
}

/// One vector of the columns of a row of patches.
#[derive(Clone, Copy)]
struct Columns {
    first: usize,
    apart: usize,
    last: usize,
    vectors: usize,
    v: usize,
}

impl Columns {
    #[inline(always)]
    fn at(self, tap: usize) -> usize {
        (self.first + tap * self.apart).min(self.last) * self.vectors + self.v
    }
}

/// So many patches beside one another, whose neighbours have two columns in common.
#[inline(always)]
fn patches<S: Simd>(
    simd: S,
    data: &[S::f32s],
    rows: [usize; PATCH],
    places: Columns,
    target: &mut [S::f32s],
    (of_product, count): (usize, usize),
) {
    let mut left = [
        column::<S>(simd, data, rows, places.at(0)),
        column::<S>(simd, data, rows, places.at(1)),
    ];
    for tile in 0..count {
        let right = [
            column::<S>(simd, data, rows, places.at(TILE * tile + 2)),
            column::<S>(simd, data, rows, places.at(TILE * tile + 3)),
        ];
        for i in 0..PATCH {
            let own = line::<S>(simd, [left[0][i], left[1][i], right[0][i], right[1][i]]);
            for j in 0..PATCH {
                target[(i * PATCH + j) * of_product + tile * places.vectors] = own[j];
            }
        }
        left = right;
    }
}

/// One column of a patch, transformed.
#[inline(always)]
fn column<S: Simd>(simd: S, data: &[S::f32s], rows: [usize; PATCH], place: usize) -> [S::f32s; PATCH] {
    line::<S>(
        simd,
        [
            data[rows[0] + place],
            data[rows[1] + place],
            data[rows[2] + place],
            data[rows[3] + place],
        ],
    )
}

#[inline(always)]
fn line<S: Simd>(simd: S, [first, second, third, fourth]: [S::f32s; PATCH]) -> [S::f32s; PATCH] {
    [
        simd.sub_f32s(first, third),
        simd.add_f32s(second, third),
        simd.sub_f32s(third, second),
        simd.sub_f32s(second, fourth),
    ]
}

/// The transform of a panel's sums to outputs, and whether all are finite.
struct Outputs<'a, 'o> {
    /// `[product][block][tile][16]`, of so many elements for a product.
    sums: &'a [f32],
    of_sums: usize,
    tiles: Tiles,
    bias: Option<&'a [f32]>,
    output: &'a mut [&'o mut [f32]],
}

impl WithSimd for Outputs<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let tiles = self.tiles;
        let vectors = BLOCK / S::F32_LANES;
        let of_product = self.of_sums / S::F32_LANES;
        let (sums, _) = S::as_simd_f32s(self.sums);
        let zero = simd.splat_f32s(0.0);
        let [down, across] = tiles.apart;
        // Zeros, unless an output is not finite.
        let mut zeros = zero;
        for (block, output) in self.output.iter_mut().enumerate() {
            let (output, _) = S::as_mut_simd_f32s(output);
            for v in 0..vectors {
                let bias = match self.bias {
                    Some(bias) => S::as_simd_f32s(bias).0[block * vectors + v],
                    None => zero,
                };
                for tile in 0..tiles.count() {
                    let at = (block * tiles.count() + tile) * vectors + v;
                    let mut rows = [[zero; PATCH]; TILE];
                    for j in 0..PATCH {
                        let mut own = [zero; PATCH];
                        for i in 0..PATCH {
                            own[i] = sums[(i * PATCH + j) * of_product + at];
                        }
                        [rows[0][j], rows[1][j]] = pair::<S>(simd, own);
                    }
                    let (row, column) = (tiles.row(tile / tiles.columns), tiles.column(tile % tiles.columns));
                    for (i, sums) in rows.into_iter().enumerate() {
                        for (j, sum) in pair::<S>(simd, sums).into_iter().enumerate() {
                            let (row, column) = (row + i * down, column + j * across);
                            if row < tiles.height && column < tiles.width {
                                let sum = simd.add_f32s(sum, bias);
                                zeros = simd.mul_add_e_f32s(sum, zero, zeros);
                                output[(row * tiles.width + column) * vectors + v] = sum;
                            }
                        }
                    }
                }
            }
        }
        simd.reduce_sum_f32s(zeros) == 0.0
    }
}

#[inline(always)]
fn pair<S: Simd>(simd: S, [first, second, third, fourth]: [S::f32s; PATCH]) -> [S::f32s; TILE] {
    let (sum, difference) = (simd.add_f32s(second, third), simd.sub_f32s(second, third));
    [simd.add_f32s(first, sum), simd.sub_f32s(difference, fourth)]
}
