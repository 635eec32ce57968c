//! Winograd's F(2x2, 3x3): tiles of 2x2 outputs from 16 products of transformed elements by transformed weights, where the definition has 36.
//! What it is taken for, and how many tiles there are.

use std::cell::Cell;
use std::sync::LazyLock;

use super::layout::{BLOCK, blocks};
use crate::ops::{AxisWindow, ConvGeometry};

/// Outputs of a tile, down and across.
pub(super) const TILE: usize = 2;
/// Elements that it is computed from, down and across.
pub(super) const PATCH: usize = TILE + 2;
/// Products of a tile, for each pair of channels.
pub(super) const PRODUCTS: usize = PATCH * PATCH;
/// Transformed elements and sums of the rows of tiles that are computed together: 64 MiB for each thread.
const MOST_KEPT: usize = 1 << 24;
/// Less work is not worth the transforms: an image's tiles by the channels on both sides.
const LEAST_WORK: usize = 1 << 18;
/// Tiles of an image that would be computed while the weights are read.
const WEIGHTS: usize = 16;
/// What the transforms of a tile take for a channel, in multiply-adds.
const TRANSFORM: usize = 100;
/// The environment's variable that forbids the algorithm to a process, or has it wherever it can be.
const VARIABLE: &str = "CONVOKE_CPU_WINOGRAD";

static OF_PROCESS: LazyLock<Option<bool>> = LazyLock::new(|| match std::env::var(VARIABLE).ok()?.as_str() {
    "0" => Some(false),
    "1" => Some(true),
    other => {
        log::warn!("{VARIABLE}: expected 0 or 1, but got {other:?}: the algorithm is taken where it is faster");
        None
    }
});

thread_local! {
    /// What the device says that this thread is of.
    static OF_DEVICE: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Has this thread take the algorithm wherever it can, or never, from now on.
pub(in crate::cpu) fn hold(is_taken: bool) {
    OF_DEVICE.set(Some(is_taken));
}

/// Whether this algorithm computes a convolution on this thread's device.
pub(in crate::cpu) fn is_taken(geometry: &ConvGeometry, groups: usize) -> bool {
    fits(geometry, groups) && OF_DEVICE.get().or(*OF_PROCESS).unwrap_or_else(|| pays(geometry))
}

/// Whether this algorithm computes such convolutions.
fn fits(geometry: &ConvGeometry, groups: usize) -> bool {
    let [rows, columns] = geometry.axes[..] else {
        return false;
    };
    let is_of_threes = |axis: &AxisWindow| axis.kernel == 3 && axis.stride == 1;
    let (ins, outs) = (geometry.in_channels, geometry.out_channels);
    groups == 1
        && is_of_threes(&rows)
        && is_of_threes(&columns)
        && ins.min(outs) >= BLOCK
        && kept(blocks(ins), blocks(outs), rows.dilation.saturating_mul(tiles(&columns))) <= MOST_KEPT
}

/// Whether it is the faster one. That depends on extents alone, as answers' bits do on the algorithm.
fn pays(geometry: &ConvGeometry) -> bool {
    let (ins, outs) = (geometry.in_channels, geometry.out_channels);
    let positions: usize = geometry.axes.iter().map(|axis| axis.output).product();
    let tiles: usize = geometry.axes.iter().map(tiles).product();
    let pairs = ins.saturating_mul(outs);
    // In multiply-adds, with what reading the weights takes and what transforming each tile's channels does.
    let direct = pairs.saturating_mul(9 * positions);
    let own = pairs
        .saturating_mul(PRODUCTS * (tiles + WEIGHTS))
        .saturating_add((TRANSFORM * tiles).saturating_mul(ins + outs));
    tiles.saturating_mul(pairs) >= LEAST_WORK && own <= direct / 5 * 4
}

/// Tiles along an axis. A tile has outputs that are as far apart as its taps.
pub(super) fn tiles(axis: &AxisWindow) -> usize {
    axis.output.div_ceil(axis.dilation).div_ceil(TILE) * axis.dilation
}

/// Elements that the tiles of some rows take, transformed, for each of the products; the lines of one and the next lie in different
/// sets of the cache.
pub(super) fn of_product(blocks: usize, tiles: usize) -> usize {
    (blocks * BLOCK).saturating_mul(tiles).saturating_add(BLOCK)
}

/// Elements that a band of so many tiles keeps in the cache.
pub(super) fn kept(in_blocks: usize, out_blocks: usize, tiles: usize) -> usize {
    PRODUCTS.saturating_mul(of_product(in_blocks + out_blocks, tiles))
}
