//! Which algorithm computes which shape: the rules of each class of device, all in one place.
//!
//! The rules for software adapters are measured on lavapipe. Those for GPUs follow from their arithmetic and memory rates (see
//! `Gpu` below) and are not measured yet on any.

use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::kernel_choice::{How, Product, Tiling};
use crate::gpu::choose::long_sums;
use crate::gpu::choose::problem::{Conv2dAlgorithm, Problem};
use crate::gpu::choose::tile::{Cut, Extents, Tile};
use crate::gpu::choose::{im2col, winograd};
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::ops::Winograd;

/// Invocations of a workgroup for kernels that take one element or one small block each.
pub(crate) const LANES: u32 = 64;

/// What the rules for GPUs know of a class.
struct Gpu {
    /// Lanes that keep the device busy, where each has tens of products to do at once: 132 multiprocessors with 256 lanes
    /// each on a large discrete GPU; 96 units of 8 lanes and 5 threads on a large integrated one.
    lanes: usize,
    /// From where Winograd's algorithm pays. Its transforms write and read 32 bytes for each of C input and K output channels
    /// at each of P outputs, its weights take 28 more for each pair of channels, and it saves 10 operations for each pair
    /// at each output. With so many operations in the time of a byte (10 of a discrete GPU, 17 of an integrated one), and half
    /// as much again for safety, it pays where CKP / (CP + KP + CK) is at least 4.8 times that.
    winograd_depth: usize,
    /// Lanes of a workgroup that runs along rows: half as many workgroups to start where there are many lanes.
    row_lanes: u32,
}

const DISCRETE: Gpu = Gpu {
    lanes: 132 * 256,
    winograd_depth: 48,
    row_lanes: 128,
};
const INTEGRATED: Gpu = Gpu {
    lanes: 4096,
    winograd_depth: 80,
    row_lanes: 64,
};

const fn gpu(class: DeviceClass) -> Option<&'static Gpu> {
    match class {
        DeviceClass::Software => None,
        DeviceClass::Integrated => Some(&INTEGRATED),
        DeviceClass::Discrete => Some(&DISCRETE),
    }
}

/// Output channels per group below which a tile would be mostly empty.
const FEWEST_TILED: usize = 9;
/// Positions up to which a matrix product reads its weight by rows.
pub(crate) const MOST_BY_ROWS: usize = 8;
/// Terms of a sum along rows: a lane of 64 has as many as a part of a long sum.
pub(crate) const MOST_ROW_TERMS: usize = 64 * long_sums::PART;
/// Terms that a part of a split has at least, and workgroups that share a sum at most: each part is written and read again.
const FEWEST_SPLIT_TERMS: usize = 128;
const MOST_SPLITS: usize = 16;

/// How a convolution that is not transposed is computed.
pub(crate) fn conv2d(problem: &Problem, capabilities: &Capabilities) -> How {
    match algorithm(problem, capabilities) {
        // The rule may take the rows of the weight instead.
        Conv2dAlgorithm::GemmTiled => How::Product(product(&problem.product(), capabilities)),
        other => complete(other, problem, capabilities),
    }
}

/// An algorithm with all that it leaves open, by the rules.
pub(crate) fn complete(algorithm: Conv2dAlgorithm, problem: &Problem, capabilities: &Capabilities) -> How {
    match algorithm {
        Conv2dAlgorithm::Direct => How::Direct,
        Conv2dAlgorithm::DirectBroadcast => How::DirectBroadcast,
        Conv2dAlgorithm::Depthwise => How::Depthwise,
        Conv2dAlgorithm::Gemm => How::Product(Product::Plain),
        Conv2dAlgorithm::GemmBroadcast => How::Product(Product::Broadcast),
        Conv2dAlgorithm::Tiled => How::Tiled(tiling(problem.extents(), capabilities)),
        Conv2dAlgorithm::GemmTiled => How::Product(tiled(&problem.product(), capabilities)),
        Conv2dAlgorithm::Im2col => How::Im2col(product(&im2col::product(problem), capabilities)),
        Conv2dAlgorithm::Winograd => winograd(Winograd::Small, problem, capabilities),
        Conv2dAlgorithm::WinogradLarge => winograd(Winograd::Large, problem, capabilities),
    }
}

fn winograd(tiles: Winograd, problem: &Problem, capabilities: &Capabilities) -> How {
    How::Winograd(tiles, product(&winograd::product(tiles, &problem.geometry), capabilities))
}

/// The algorithm of a convolution that is not transposed: the most special that applies.
fn algorithm(problem: &Problem, capabilities: &Capabilities) -> Conv2dAlgorithm {
    // With more channels in a group, a block of channels shares what it loads.
    if problem.depthwise(capabilities.class).is_some() {
        return Conv2dAlgorithm::Depthwise;
    }
    match gpu(capabilities.class) {
        None => conv2d_in_software(problem, capabilities),
        Some(gpu) => conv2d_on_gpu(problem, gpu, capabilities),
    }
}

/// Weights are handed round where loads are gathers.
fn conv2d_in_software(problem: &Problem, capabilities: &Capabilities) -> Conv2dAlgorithm {
    let broadcast = capabilities.prefers_broadcast();
    let is_winograd = broadcast
        && problem.is_winograd()
        && winograd::pays(&problem.geometry)
        && winograd::fits(Winograd::Small, &problem.geometry, capabilities);
    let is_im2col = broadcast && im2col::pays(problem) && im2col::fits(problem, capabilities);
    match (problem.is_pointwise(), broadcast) {
        (true, true) if is_im2col => Conv2dAlgorithm::Im2col,
        (true, true) => Conv2dAlgorithm::GemmBroadcast,
        (true, false) => Conv2dAlgorithm::Gemm,
        (false, _) if is_winograd => by_tiles(problem, capabilities),
        (false, true) if is_im2col => Conv2dAlgorithm::Im2col,
        (false, true) => Conv2dAlgorithm::DirectBroadcast,
        (false, false) => Conv2dAlgorithm::Direct,
    }
}

fn conv2d_on_gpu(problem: &Problem, gpu: &Gpu, capabilities: &Capabilities) -> Conv2dAlgorithm {
    let geometry = &problem.geometry;
    let outs = problem.out_channels_per_group();
    let positions = geometry.batch * geometry.output.height * geometry.output.width;
    let depth = 1.0
        / [geometry.in_channels, outs, positions]
            .map(|extent| 1.0 / extent as f64)
            .iter()
            .sum::<f64>();
    let is_deep = depth >= gpu.winograd_depth as f64;
    if problem.is_pointwise() {
        match product(&problem.product(), capabilities) {
            Product::Plain | Product::Broadcast => Conv2dAlgorithm::Gemm,
            Product::Tiled(_) | Product::Rows => Conv2dAlgorithm::GemmTiled,
        }
    } else if outs < FEWEST_TILED || !can_tile(problem.extents(), capabilities) {
        Conv2dAlgorithm::Direct
    } else if is_deep
        && problem.is_winograd()
        && winograd::saves(geometry)
        && winograd::fits(Winograd::Small, geometry, capabilities)
    {
        by_tiles(problem, capabilities)
    } else {
        Conv2dAlgorithm::Tiled
    }
}

/// Winograd's algorithm, by the larger tiles where those are allowed and save more.
fn by_tiles(problem: &Problem, capabilities: &Capabilities) -> Conv2dAlgorithm {
    if capabilities.large_tiles
        && winograd::is_better_large(&problem.geometry)
        && winograd::fits(Winograd::Large, &problem.geometry, capabilities)
    {
        Conv2dAlgorithm::WinogradLarge
    } else {
        Conv2dAlgorithm::Winograd
    }
}

/// The kernel of a matrix product that serves a linear layer, a pointwise convolution or Winograd's.
pub(crate) fn product(gemm: &Gemm, capabilities: &Capabilities) -> Product {
    match gpu(capabilities.class) {
        None if capabilities.prefers_broadcast() => Product::Broadcast,
        None => Product::Plain,
        Some(_) if by_rows(gemm) => Product::Rows,
        Some(_) if gemm.out_channels < FEWEST_TILED || !can_tile(gemm.extents(), capabilities) => Product::Plain,
        Some(_) => tiled(gemm, capabilities),
    }
}

/// Whether the rows of the weight are read as they lie.
fn by_rows(gemm: &Gemm) -> bool {
    let is_short = gemm.batch * gemm.positions <= MOST_BY_ROWS && gemm.in_channels <= MOST_ROW_TERMS;
    gemm.strides[0] == 1 && !gemm.transposed && is_short
}

/// The kernel of a product of two tensors, or none where the plain one is as good: what computes by tiles packs the left operand
/// in every run, which few columns or terms do not repay.
pub(crate) fn matmul(gemm: &Gemm, capabilities: &Capabilities) -> Option<Product> {
    const FEWEST: usize = 32;
    gpu(capabilities.class)?;
    // Packed, in the largest tile.
    let packed = [gemm.groups, gemm.out_channels + 128, gemm.in_channels + 16]
        .into_iter()
        .fold(1, usize::saturating_mul);
    let is_large = gemm.out_channels.min(gemm.positions).min(gemm.in_channels) >= FEWEST;
    let fits = capabilities.check_elements("matmul", packed).is_ok() && can_tile(gemm.extents(), capabilities);
    (is_large && fits).then(|| tiled(gemm, capabilities))
}

fn tiled(gemm: &Gemm, capabilities: &Capabilities) -> Product {
    Product::Tiled(tiling(gemm.extents(), capabilities))
}

/// The tile and the splits by the rule for the device.
pub(crate) fn tiling(extents: Extents, capabilities: &Capabilities) -> Tiling {
    let cut = cut(extents, capabilities);
    fitting(extents, cut.tile, cut.splits, capabilities)
}

/// A tile with as many splits as the rule would give it, and with none.
pub(crate) fn with_tile(extents: Extents, tile: Tile, capabilities: &Capabilities) -> [Tiling; 2] {
    let splits = splits(extents, tile, capabilities);
    [splits, long_sums::fewest_parts(extents.terms, capabilities)].map(|splits| fitting(extents, tile, splits, capabilities))
}

/// So many splits, or the fewest where their parts do not fit in a buffer.
fn fitting(extents: Extents, tile: Tile, splits: usize, capabilities: &Capabilities) -> Tiling {
    let fewest = long_sums::fewest_parts(extents.terms, capabilities);
    let [wanted, least] = [splits, fewest].map(|splits| Cut::new(extents, tile, splits));
    let splits = if fits(&wanted, capabilities) {
        wanted.splits
    } else {
        least.splits
    };
    Tiling { tile, splits }
}

/// Whether the outputs of all splits fit in a buffer.
fn fits(cut: &Cut, capabilities: &Capabilities) -> bool {
    u32::try_from(cut.parts()).is_ok_and(|parts| capabilities.check_elements("split", parts as usize).is_ok())
}

/// Whether tiles can compute a product: the parts of a long sum must fit in a buffer.
fn can_tile(extents: Extents, capabilities: &Capabilities) -> bool {
    let splits = long_sums::fewest_parts(extents.terms, capabilities);
    splits == 1 || fits(&Cut::new(extents, Tile::SMALL, splits), capabilities)
}

/// Lanes that are to be kept busy. On software adapters tiles only run where they are forced; a split or two is all that is
/// needed there.
fn lanes(class: DeviceClass) -> usize {
    gpu(class).map_or(1024, |gpu| gpu.lanes)
}

/// Workgroups to share each sum where tiles are too few for so many lanes.
fn splits(extents: Extents, tile: Tile, capabilities: &Capabilities) -> usize {
    let lanes = lanes(capabilities.class);
    let whole = Cut::new(extents, tile, 1);
    let wanted = lanes.div_ceil(whole.workgroups() * tile.lanes());
    let most = (extents.terms / FEWEST_SPLIT_TERMS).clamp(1, MOST_SPLITS);
    wanted.min(most).max(long_sums::fewest_parts(extents.terms, capabilities))
}

/// The tile for a product, and how many workgroups share its sums.
///
/// Time goes with the products computed, those past the edges included, with what a product costs in a tile, and with how much
/// of the device is idle. A product costs reads of workgroup memory, one for 16 in the large tile and for 8 in the others,
/// and loads, one for each channel and each position of a tile.
fn cut(extents: Extents, capabilities: &Capabilities) -> Cut {
    let lanes = lanes(capabilities.class);
    let cost = |cut: &Cut| {
        let reads = if cut.tile.each == 8 { 16 } else { 20 };
        let each = reads + 128 / cut.tile.channels + 128 / cut.tile.positions;
        let busy = (cut.workgroups() * cut.tile.lanes()).min(lanes) as u128;
        // A split's outputs are written and read once more, each as dear as eight products.
        let moved = if cut.splits > 1 { 8 * 25 * cut.parts() } else { 0 };
        (cut.products() * each as u128 + moved) * 1024 / busy
    };
    let candidates = Tile::ALL
        .into_iter()
        .filter(|tile| tile.fits(&capabilities.limits))
        .map(|tile| Cut::new(extents, tile, splits(extents, tile, capabilities)));
    candidates
        .min_by_key(|cut| (cost(cut), cut.products()))
        .unwrap_or(Cut::new(extents, Tile::SMALL, 1))
}

/// The lanes of a workgroup that computes by strips (`strips.rs`): on software adapters a vector, since nothing is shared.
pub(crate) fn strip_lanes(class: DeviceClass) -> u32 {
    gpu(class).map_or(8, |gpu| gpu.row_lanes)
}

/// Lanes of a workgroup that runs along long rows.
pub(crate) fn long_row_lanes(class: DeviceClass) -> u32 {
    gpu(class).map_or(LANES, |gpu| gpu.row_lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::choose::problem::problem;
    use crate::ops::Conv2d;

    fn capabilities(class: DeviceClass) -> Capabilities {
        Capabilities::plain(class, true)
    }

    /// Kernel extent, stride, groups, then images, channels in and out, extent.
    type Layer = ([usize; 3], [usize; 4]);

    fn chosen(class: DeviceClass, ([kernel, stride, groups], [batch, ins, outs, extent]): Layer) -> Conv2dAlgorithm {
        let op = Conv2d::new().padding((kernel / 2) as isize).stride(stride).groups(groups);
        let (input, weight) = ([batch, ins, extent, extent], [outs, ins / groups, kernel, kernel]);
        algorithm(&problem(&op, &input, &weight, None).unwrap(), &capabilities(class))
    }

    #[test]
    fn layers_of_known_networks() {
        use Conv2dAlgorithm::{Depthwise, Direct, DirectBroadcast, GemmBroadcast, GemmTiled, Im2col, Tiled, Winograd};
        for (layer, expected) in [
            (([7, 2, 1], [1, 3, 64, 224]), [Im2col, Tiled, Tiled]),
            (([3, 1, 1], [1, 64, 64, 56]), [Winograd, Tiled, Tiled]),
            (([3, 1, 1], [1, 256, 256, 14]), [Winograd, Tiled, Winograd]),
            (([3, 1, 1], [1, 128, 128, 28]), [Winograd, Tiled, Winograd]),
            (([3, 1, 1], [1, 512, 512, 28]), [Winograd, Winograd, Winograd]),
            (([3, 2, 1], [1, 256, 256, 14]), [Im2col, Tiled, Tiled]),
            (([1, 2, 1], [1, 256, 512, 56]), [Im2col, Tiled, Tiled]),
            (([1, 1, 1], [1, 960, 160, 7]), [Im2col, GemmTiled, GemmTiled]),
            (([1, 1, 1], [1, 64, 16, 55]), [GemmBroadcast, GemmTiled, GemmTiled]),
            (([3, 1, 1], [1, 64, 64, 224]), [Winograd, Tiled, Tiled]),
            (([3, 1, 1], [1, 64, 64, 1024]), [Winograd, Tiled, Tiled]),
            (([3, 1, 1], [1, 32, 32, 224]), [DirectBroadcast, Tiled, Tiled]),
            (([3, 1, 1], [1, 512, 512, 7]), [Winograd, Tiled, Tiled]),
            (([1, 1, 1], [1, 256, 64, 56]), [GemmBroadcast, GemmTiled, GemmTiled]),
            (([3, 1, 32], [1, 32, 32, 112]), [Depthwise, Depthwise, Depthwise]),
            (([3, 1, 32], [1, 128, 128, 56]), [Depthwise, Depthwise, Depthwise]),
            (([3, 1, 16], [1, 128, 128, 56]), [DirectBroadcast, Direct, Direct]),
            (([5, 1, 1], [1, 1, 6, 28]), [DirectBroadcast, Direct, Direct]),
        ] {
            let got = DeviceClass::ALL.map(|class| chosen(class, layer));
            assert_eq!(got, expected, "{layer:?}");
        }
    }

    #[test]
    fn products_by_rows_where_positions_are_few() {
        let linear = |rows: usize| Gemm::linear(rows, 512, 1000);
        let by = |rows, class| product(&linear(rows), &capabilities(class));
        assert_eq!(by(1, DeviceClass::Discrete), Product::Rows);
        assert_eq!(by(MOST_BY_ROWS, DeviceClass::Integrated), Product::Rows);
        assert!(matches!(by(MOST_BY_ROWS + 1, DeviceClass::Integrated), Product::Tiled(_)));
        assert_eq!(by(1, DeviceClass::Software), Product::Broadcast);
    }

    /// Large tiles where there is work for all of a device, smaller ones and splits where there is not.
    #[test]
    fn tiles_fill_the_device() {
        let extents = |groups, channels, positions, terms| Extents {
            groups,
            channels,
            positions,
            terms,
        };
        let tile = |extents, class| cut(extents, &capabilities(class));
        for (extents, expected) in [
            (extents(1, 256, 64 * 28 * 28, 2304), Tile::LARGE),
            (extents(1, 64, 8 * 56 * 56, 576), Tile::MEDIUM),
            (extents(1, 32, 8 * 112 * 112, 144), Tile::FLAT),
            (extents(2000, 24, 30, 40), Tile::SMALL),
        ] {
            let cut = tile(extents, DeviceClass::Discrete);
            assert_eq!((cut.tile, cut.splits), (expected, 1), "{extents:?}");
        }
        // 512 channels of 7 x 7.
        let small = extents(1, 512, 49, 4608);
        for class in [DeviceClass::Integrated, DeviceClass::Discrete] {
            let cut = tile(small, class);
            assert!(
                cut.splits > 1 && cut.workgroups() * cut.tile.lanes() >= 4096,
                "{class:?} {cut:?}"
            );
        }
        // A device with small workgroups has the small tile.
        let mut few = capabilities(DeviceClass::Discrete);
        few.limits.max_compute_invocations_per_workgroup = 128;
        assert_eq!(cut(small, &few).tile, Tile::SMALL);
    }
}
