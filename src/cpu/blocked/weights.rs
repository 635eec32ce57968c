//! Weights as convolutions on blocks read them, packed once.

use std::ops::Range;
use std::sync::OnceLock;

use super::layout::{BLOCK, blocks, channels_of};
use super::schedule::Schedules;
use super::tiles::{self, PATCH, PRODUCTS};
use crate::cpu::lines::Lines;
use crate::cpu::operand::Operand;
use crate::cpu::vectors::lanes;
use crate::ops::Conv;

/// The most terms of a part of a sum, unless a row of taps has more: its weights stay in the first-level cache.
const PART: usize = 160;

/// The weights of a convolution that [`fits`], with how threads share it.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(super) packed: Packed,
    schedules: Schedules,
}

#[derive(Clone, Debug)]
pub(super) enum Packed {
    Products(ByAlgorithm),
    /// `[block][tap][16]`.
    Depthwise(Lines<f32>),
}

/// What each of the algorithms reads, packed when it is first wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct ByAlgorithm {
    direct: OnceLock<Products>,
    of_tiles: OnceLock<Transformed>,
}

impl ByAlgorithm {
    pub(super) fn direct(&self, op: &Conv, weight: &Operand<'_>) -> &Products {
        self.direct.get_or_init(|| Products::new(op, weight, most_blocks()))
    }

    pub(super) fn of_tiles(&self, weight: &Operand<'_>) -> &Transformed {
        self.of_tiles.get_or_init(|| Transformed::new(weight))
    }
}

/// A convolution's weights in panels of some blocks of output channels.
#[derive(Clone, Debug)]
pub(crate) struct Products {
    pub(super) panels: Vec<Panel>,
    pub(super) parts: Vec<Part>,
    data: Lines<f32>,
    /// Terms of a sum.
    terms: usize,
    groups: usize,
    leaves_out_zeros: bool,
}

/// Some blocks of output channels of one group.
#[derive(Clone, Copy, Debug)]
pub(in crate::cpu) struct Panel {
    pub(in crate::cpu) group: usize,
    /// The number of the first, of those of all groups.
    pub(in crate::cpu) first: usize,
    pub(in crate::cpu) blocks: usize,
}

impl Panel {
    /// The output channels, in whole blocks.
    pub(super) fn channels(&self) -> Range<usize> {
        self.first * BLOCK..(self.first + self.blocks) * BLOCK
    }

    /// The panels of so many groups of so many blocks each, of at most so many.
    pub(in crate::cpu) fn all(groups: usize, of_group: usize, most: usize) -> Vec<Self> {
        let count = of_group.div_ceil(most);
        let of = |group: usize| {
            (0..count).map(move |panel| {
                let (first, past) = (panel * of_group / count, (panel + 1) * of_group / count);
                Self {
                    group,
                    first: group * of_group + first,
                    blocks: past - first,
                }
            })
        };
        (0..groups).flat_map(of).collect()
    }
}

/// Some rows of taps, which are numbered `[block of input channels][tap row]`, and how many terms stand before and in them.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) rows: Range<usize>,
    terms: Range<usize>,
}

/// Whether a convolution with weights of this shape is one on blocks: each group of whole blocks, or of one channel.
pub(crate) fn fits(op: &Conv, weight: &[usize]) -> bool {
    if is_depthwise(op, weight) {
        return op.groups >= BLOCK;
    }
    let per_group = weight[0] / op.groups;
    let are_whole = per_group.is_multiple_of(BLOCK) && weight[1].is_multiple_of(BLOCK);
    !weight.contains(&0) && if op.groups == 1 { per_group >= BLOCK } else { are_whole }
}

pub(in crate::cpu) fn is_depthwise(op: &Conv, weight: &[usize]) -> bool {
    op.groups > 1 && weight[0] == op.groups && weight[1] == 1
}

/// The most blocks of output channels that are computed together.
fn most_blocks() -> usize {
    if lanes() == BLOCK { 4 } else { 1 }
}

impl Weights {
    pub(crate) fn new(op: &Conv, weight: &Operand<'_>) -> Self {
        let taps: usize = weight.shape[2..].iter().product();
        if !is_depthwise(op, weight.shape) {
            return Packed::Products(ByAlgorithm::default()).into();
        }
        Packed::Depthwise(by_channel(weight.data, taps)).into()
    }

    /// Packs what inputs of this shape take. Without it the first run does.
    pub(crate) fn ready(&self, op: &Conv, input: &[usize], weight: &Operand<'_>) {
        if let (Packed::Products(products), Ok(geometry)) = (&self.packed, op.geometry(input, weight.shape, None)) {
            if tiles::is_taken(&geometry, op.groups) {
                products.of_tiles(weight);
            } else {
                products.direct(op, weight);
            }
        }
    }

    pub(super) fn schedules(&self) -> &Schedules {
        &self.schedules
    }
}

/// The taps of channels one by one, as `[block][tap][16]`.
pub(in crate::cpu) fn by_channel(weight: &[f32], taps: usize) -> Lines<f32> {
    let channels = weight.len() / taps.max(1);
    let mut data = Lines::new(blocks(channels) * taps * BLOCK);
    for (channel, taps) in weight.chunks_exact(taps.max(1)).enumerate() {
        let own = data[channel / BLOCK * taps.len() * BLOCK..].chunks_exact_mut(BLOCK);
        for (target, &value) in own.zip(taps) {
            target[channel % BLOCK] = value;
        }
    }
    data
}

impl From<Packed> for Weights {
    fn from(packed: Packed) -> Self {
        Self {
            packed,
            schedules: Schedules::default(),
        }
    }
}

impl Products {
    /// A matrix `[out, in]`, whose sums are of all of a row.
    pub(crate) fn of_matrix(weight: &Operand<'_>) -> Self {
        let shape = [weight.shape[0], weight.shape[1], 1];
        let weight = Operand {
            shape: &shape,
            ..*weight
        };
        Self::new(&Conv::new(), &weight, most_blocks())
    }

    fn new(op: &Conv, weight: &Operand<'_>, most: usize) -> Self {
        let (outputs, inputs) = (weight.shape[0] / op.groups, weight.shape[1]);
        let taps: usize = weight.shape[2..].iter().product();
        let width = weight.shape.last().copied().unwrap_or(1);
        let terms = inputs * taps;
        let of_group = blocks(outputs);
        let mut products = Self {
            panels: Panel::all(op.groups, of_group, most),
            parts: parts(inputs, taps / width, width),
            data: Lines::new(op.groups * of_group * BLOCK * terms),
            terms,
            groups: op.groups,
            leaves_out_zeros: taps > 1 && are_finite(weight.data),
        };
        for panel in &products.panels {
            let width = panel.blocks * BLOCK;
            for block in 0..panel.blocks {
                let number = panel.first - panel.group * of_group + block;
                let own = channels_of(number, outputs);
                let rows = &weight.data[(panel.group * outputs + number * BLOCK) * terms..][..own * terms];
                let rows: Vec<&[f32]> = rows.chunks_exact(terms.max(1)).collect();
                let targets = products.data[(panel.first * terms + block) * BLOCK..].chunks_mut(width);
                transpose(&rows, order(inputs, taps).zip(targets));
            }
        }
        products
    }

    /// The weights of a panel for a part, `[term][channel]`, and as many of those that are read after them.
    pub(super) fn of(&self, panel: &Panel, part: &Part) -> (&[f32], &[f32]) {
        let width = panel.blocks * BLOCK;
        let data = &self.data[panel.first * self.terms * BLOCK + part.terms.start * width..];
        let (own, after) = data.split_at(part.terms.len() * width);
        (own, &after[..own.len().min(after.len())])
    }

    /// Whether products with zeros are zeros, of several taps.
    pub(super) fn leaves_out_zeros(&self) -> bool {
        self.leaves_out_zeros
    }

    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    pub(super) fn groups(&self) -> usize {
        self.groups
    }
}

/// Transformed weights: for each of the products a matrix of output by input channels.
#[derive(Clone, Debug)]
pub(super) struct Transformed(Vec<Products>);

impl Transformed {
    pub(super) fn new(weight: &Operand<'_>) -> Self {
        let pairs = weight.shape[0] * weight.shape[1];
        let mut transformed = vec![0.0; PRODUCTS * pairs];
        let (kernels, _) = weight.data.as_chunks::<9>();
        for (pair, kernel) in kernels.iter().enumerate() {
            for (product, value) in of_kernel(kernel).into_iter().enumerate() {
                transformed[product * pairs + pair] = value;
            }
        }
        let matrices = transformed.chunks_exact(pairs.max(1)).map(|data| {
            Products::of_matrix(&Operand {
                data,
                shape: &weight.shape[..2],
                layout: weight.layout,
            })
        });
        Self(matrices.collect())
    }

    pub(super) fn panels(&self) -> &[Panel] {
        &self.0[0].panels
    }

    /// Of each of the products.
    pub(super) fn products(&self) -> &[Products] {
        &self.0
    }
}

/// A kernel as the products have it.
fn of_kernel(kernel: &[f32; 9]) -> [f32; PRODUCTS] {
    let line = |[first, middle, last]: [f32; 3]| {
        let ends = first + last;
        [first, (ends + middle) * 0.5, (ends - middle) * 0.5, last]
    };
    let columns: [[f32; PATCH]; 3] = std::array::from_fn(|column| line([kernel[column], kernel[3 + column], kernel[6 + column]]));
    let mut all = [0.0; PRODUCTS];
    for row in 0..PATCH {
        all[row * PATCH..][..PATCH].copy_from_slice(&line(columns.map(|column| column[row])));
    }
    all
}

/// Whether there is neither NaN nor an infinity: by all bits at once, which vectors do.
fn are_finite(weights: &[f32]) -> bool {
    let largest = weights
        .iter()
        .fold(0, |largest: u32, weight| largest.max(weight.abs().to_bits()));
    f32::from_bits(largest).is_finite()
}

/// Writes what all rows of a block have at each of these places beside one another, so that lines of the cache are written whole.
fn transpose<'a>(rows: &[&[f32]], targets: impl Iterator<Item = (usize, &'a mut [f32])>) {
    if let Ok(rows) = <[&[f32]; BLOCK]>::try_from(rows) {
        for (place, target) in targets {
            target[..BLOCK].copy_from_slice(&rows.map(|row| row[place]));
        }
    } else {
        for (place, target) in targets {
            for (target, row) in target.iter_mut().zip(rows) {
                *target = row[place];
            }
        }
    }
}

/// The order of the terms: `[block][tap][channel]`, as places in `[channel][tap]`.
fn order(channels: usize, taps: usize) -> impl Iterator<Item = usize> {
    (0..blocks(channels)).flat_map(move |block| {
        let own = channels_of(block, channels);
        (0..taps).flat_map(move |tap| (0..own).map(move |channel| (block * BLOCK + channel) * taps + tap))
    })
}

/// Cuts sums into parts, which are the same on every machine.
fn parts(channels: usize, height: usize, width: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut terms = 0;
    for row in 0..blocks(channels) * height {
        let own = channels_of(row / height, channels) * width;
        match parts.last_mut() {
            Some(part) if part.terms.len() + own <= PART => {
                part.rows.end += 1;
                part.terms.end += own;
            }
            _ => parts.push(Part {
                rows: row..row + 1,
                terms: terms..terms + own,
            }),
        }
        terms += own;
    }
    parts
}
