//! What a tuner measures: the ways to compute a layer that may be the fastest on a device.

use crate::error::Result;
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::kernel_choice::{How, KernelChoice, Product, Tiling};
use crate::gpu::choose::rules::{self, MOST_BY_ROWS};
use crate::gpu::choose::signature::{LayerSignature, Work};
use crate::gpu::choose::tile::{Extents, Tile};
use crate::gpu::choose::{im2col, winograd};
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::ops::Winograd;

impl KernelChoice {
    /// All that are worth measuring for a layer, none that the device cannot do, in an order that does not change.
    pub(crate) fn candidates(layer: &LayerSignature, capabilities: &Capabilities) -> Result<Vec<Self>> {
        let work = layer.work()?;
        let candidates = candidates(&work, capabilities).into_iter().map(Self);
        Ok(candidates
            .filter(|candidate| candidate.obstacle(&work, capabilities).is_none())
            .collect())
    }
}

fn candidates(work: &Work, capabilities: &Capabilities) -> Vec<How> {
    let products = |gemm: &Gemm| products(gemm, capabilities).into_iter();
    match work {
        Work::Linear(gemm) => products(gemm).map(How::Product).collect(),
        Work::MatMul(gemm) => std::iter::once(How::MatMul).chain(products(gemm).map(How::Product)).collect(),
        Work::Conv2d(problem) => {
            let mut all = vec![How::Direct, How::DirectBroadcast, How::Depthwise];
            if problem.is_pointwise() {
                all.extend(products(&problem.product()).map(How::Product));
            }
            all.extend(products(&im2col::product(problem)).map(How::Im2col));
            if problem.is_winograd() {
                // Those that are not allowed are no candidates.
                for tiles in [Winograd::Small, Winograd::Large] {
                    all.extend(products(&winograd::product(tiles, &problem.geometry)).map(|by| How::Winograd(tiles, by)));
                }
            }
            all.extend(tilings(problem.extents(), capabilities).into_iter().map(How::Tiled));
            all
        }
    }
}

fn products(gemm: &Gemm, capabilities: &Capabilities) -> Vec<Product> {
    let few = gemm.batch * gemm.positions <= MOST_BY_ROWS;
    let tiled = tilings(gemm.extents(), capabilities).into_iter().map(Product::Tiled);
    [Product::Plain, Product::Broadcast]
        .into_iter()
        .chain(few.then_some(Product::Rows))
        .chain(tiled)
        .collect()
}

/// On software adapters tiles are a try: the one that the rule would take. Elsewhere each tile is one, with splits and without.
fn tilings(extents: Extents, capabilities: &Capabilities) -> Vec<Tiling> {
    if capabilities.class == DeviceClass::Software {
        return vec![rules::tiling(extents, capabilities)];
    }
    let mut tilings: Vec<Tiling> = Tile::ALL
        .into_iter()
        .flat_map(|tile| rules::with_tile(extents, tile, capabilities))
        .collect();
    tilings.dedup();
    tilings
}
