//! How a layer is computed: the kernels and how the work is cut up, as it is written in tuning plans.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::long_sums;
use crate::gpu::choose::problem::Problem;
use crate::gpu::choose::rules::MOST_ROW_TERMS;
use crate::gpu::choose::signature::{LayerSignature, Work};
use crate::gpu::choose::tile::{Cut, Extents, Tile};
use crate::gpu::choose::{im2col, winograd};
use crate::gpu::device::capabilities::Capabilities;
use crate::ops::Winograd;

/// How a layer is computed. Written as text, one for each choice:
///
/// | text | computes |
/// |---|---|
/// | `direct`, `direct_broadcast`, `depthwise` | convolutions, as [`Conv2dAlgorithm`](crate::gpu::Conv2dAlgorithm) says |
/// | `gemm`, `gemm_broadcast` | pointwise convolutions, linear layers and products of matrices: blocks in registers, without and with weights handed round a subgroup |
/// | `gemm_tiled 64x64 splits=1` | the same by tiles in workgroup memory, of so many channels by so many positions; so many workgroups share each sum |
/// | `gemv_rows` | linear layers and pointwise convolutions of single pixels: lanes along the terms |
/// | `tiled 64x64 splits=1` | convolutions by tiles |
/// | `im2col gemm`, `im2col gemm_broadcast`, `im2col gemm_tiled 64x64 splits=1` | convolutions, their terms written out, with the product by that kernel |
/// | `winograd gemm`, `winograd gemm_broadcast`, `winograd gemm_tiled 64x64 splits=1` | 3x3 convolutions, with their products by that kernel |
/// | `winograd_large gemm` and so on | the same by larger tiles, where [`Gpu::with_large_tiles`](crate::Gpu::with_large_tiles) allows them |
/// | `matmul` | products of matrices, neither of them packed |
///
/// Tiles are 128x128, 64x64, 32x128 and 32x32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KernelChoice(pub(crate) How);

/// How a layer is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum How {
    Direct,
    DirectBroadcast,
    Depthwise,
    /// An implicit matrix product by tiles.
    Tiled(Tiling),
    /// As a matrix product: the weight's, or the left operand's.
    Product(Product),
    /// As a matrix product with the terms of all sums, which are written out.
    Im2col(Product),
    /// By 16 or 36 matrix products.
    Winograd(Winograd, Product),
    /// By the kernel that takes two tensors as they are.
    MatMul,
}

impl How {
    /// The nearest that can sum some of the terms, where tiles sum all.
    pub(crate) fn in_parts(self) -> Self {
        match self {
            Self::Tiled(_) => Self::Direct,
            Self::Product(by) => Self::Product(by.in_parts()),
            Self::Im2col(by) => Self::Im2col(by.in_parts()),
            other => other,
        }
    }
}

/// The kernels that compute matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Product {
    /// Blocks in registers, each lane with weights of its own.
    Plain,
    /// Blocks in registers, weights handed round subgroups of eight.
    Broadcast,
    /// Tiles in workgroup memory.
    Tiled(Tiling),
    /// Lanes along the rows of the weight.
    Rows,
}

/// A tile, and how many workgroups share the terms of each sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tiling {
    pub(crate) tile: Tile,
    pub(crate) splits: usize,
}

impl Tiling {
    /// Why a device cannot cut a product so.
    fn obstacle(self, extents: Extents, capabilities: &Capabilities) -> Option<String> {
        let Self { tile, splits } = self;
        if !tile.fits(&capabilities.limits) {
            return Some(format!(
                "its workgroups have {} invocations, more than the device allows",
                tile.lanes()
            ));
        }
        let fewest = Cut::new(extents, tile, long_sums::fewest_parts(extents.terms, capabilities)).splits;
        if splits < fewest {
            let terms = extents.terms;
            return Some(format!("sums of {terms} terms are cut in at least {fewest}, not in {splits}"));
        }
        let possible = Cut::new(extents, tile, splits).splits;
        (possible != splits).then(|| {
            let terms = extents.terms;
            format!(
                "sums of {terms} terms, in slices of {}, are not cut in {splits} but in {possible}",
                tile.slice
            )
        })
    }
}

impl Product {
    pub(crate) fn in_parts(self) -> Self {
        match self {
            Self::Tiled(_) | Self::Rows => Self::Plain,
            Self::Plain | Self::Broadcast => self,
        }
    }

    fn obstacle(self, gemm: &Gemm, capabilities: &Capabilities) -> Option<String> {
        match self {
            Self::Broadcast if capabilities.broadcast => None,
            Self::Broadcast => Some(NEEDS_SUBGROUPS.to_owned()),
            Self::Rows if gemm.strides[0] != 1 => Some("it needs the terms of each sum to lie together".to_owned()),
            Self::Rows if gemm.in_channels > MOST_ROW_TERMS => {
                Some(format!("it sums at most {MOST_ROW_TERMS} terms, not {}", gemm.in_channels))
            }
            Self::Plain | Self::Rows => None,
            Self::Tiled(tiling) => tiling.obstacle(gemm.extents(), capabilities),
        }
    }
}

const NEEDS_SUBGROUPS: &str = "it needs subgroups of at least eight";

impl KernelChoice {
    /// Checks that a layer can be computed so on a device.
    ///
    /// Errors: a layer that is none; `Unsupported` with layer, choice and reason.
    pub(crate) fn check(self, layer: &LayerSignature, capabilities: &Capabilities) -> Result<()> {
        let work = layer.work().map_err(|error| layer.locate(error))?;
        match self.obstacle(&work, capabilities) {
            None => Ok(()),
            Some(reason) => Err(Error::unsupported(
                layer.operator(),
                format!("the layer {layer} cannot be computed by {self}: {reason}"),
            )),
        }
    }

    pub(crate) fn obstacle(self, work: &Work, capabilities: &Capabilities) -> Option<String> {
        let problem = match work {
            Work::Conv2d(problem) => problem,
            Work::Linear(gemm) => {
                return match self.0 {
                    How::Product(by) => by.obstacle(gemm, capabilities),
                    _ => Some("it does not compute linear layers".to_owned()),
                };
            }
            Work::MatMul(gemm) => {
                return match self.0 {
                    How::MatMul => None,
                    How::Product(by) if by != Product::Rows => by.obstacle(gemm, capabilities),
                    _ => Some("it does not compute products of two tensors".to_owned()),
                };
            }
        };
        self.0.obstacle(problem, capabilities)
    }
}

impl How {
    /// Why a convolution cannot be computed so on a device, if so.
    pub(crate) fn obstacle(self, problem: &Problem, capabilities: &Capabilities) -> Option<String> {
        let (geometry, reason) = (&problem.geometry, |text: &str| Some(text.to_owned()));
        match self {
            How::DirectBroadcast if !capabilities.broadcast => reason(NEEDS_SUBGROUPS),
            How::Depthwise if problem.depthwise(capabilities.class).is_none() => {
                reason("it needs at most four input and four output channels per group and a small kernel")
            }
            How::Direct | How::DirectBroadcast | How::Depthwise => None,
            How::Tiled(tiling) => tiling.obstacle(problem.extents(), capabilities),
            How::Product(_) if !problem.is_pointwise() => reason("it needs a 1x1 kernel with stride 1 and no padding"),
            How::Product(by) => by.obstacle(&problem.product(), capabilities),
            How::Im2col(_) if !im2col::fits(problem, capabilities) => reason(im2col::TOO_LARGE),
            How::Im2col(by) => by.obstacle(&im2col::product(problem), capabilities),
            How::Winograd(..) if !problem.is_winograd() => reason(winograd::NEEDS_THREE_BY_THREE),
            How::Winograd(Winograd::Large, _) if !capabilities.large_tiles => {
                reason("its bounds are wider: `Gpu::with_large_tiles` or `--large-tiles` allow it")
            }
            How::Winograd(tiles, _) if !winograd::fits(tiles, geometry, capabilities) => reason(winograd::TOO_LARGE),
            How::Winograd(tiles, by) => by.obstacle(&winograd::product(tiles, geometry), capabilities),
            How::MatMul => reason("it does not compute convolutions"),
        }
    }
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tile, splits } = self;
        write!(f, "{}x{} splits={splits}", tile.channels, tile.positions)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("gemm"),
            Self::Broadcast => f.write_str("gemm_broadcast"),
            Self::Tiled(tiling) => write!(f, "gemm_tiled {tiling}"),
            Self::Rows => f.write_str("gemv_rows"),
        }
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            How::Direct => f.write_str("direct"),
            How::DirectBroadcast => f.write_str("direct_broadcast"),
            How::Depthwise => f.write_str("depthwise"),
            How::Tiled(tiling) => write!(f, "tiled {tiling}"),
            How::Product(by) => by.fmt(f),
            How::Im2col(by) => write!(f, "im2col {by}"),
            How::Winograd(Winograd::Small, by) => write!(f, "winograd {by}"),
            How::Winograd(Winograd::Large, by) => write!(f, "winograd_large {by}"),
            How::MatMul => f.write_str("matmul"),
        }
    }
}

/// What was expected of a text, and what came.
fn unknown(expected: &str, text: &str) -> Error {
    Error::invalid("kernel choice", format!("{expected} is expected, and {text:?} came"))
}

impl FromStr for Tiling {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let tiles = Tile::ALL.map(|tile| format!("{}x{}", tile.channels, tile.positions));
        let parse = || {
            let (name, splits) = text.split_once(" splits=")?;
            let tile = tiles.iter().position(|known| known == name)?;
            // One text for each number.
            let splits = splits
                .parse()
                .ok()
                .filter(|&number: &usize| number > 0 && number.to_string() == splits)?;
            let tile = Tile::ALL[tile];
            Some(Self { tile, splits })
        };
        parse().ok_or_else(|| {
            unknown(
                &format!("a tile ({}) and `splits=` with a number above 0", tiles.join(", ")),
                text,
            )
        })
    }
}

impl FromStr for Product {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(' ') {
            None if text == "gemm" => Ok(Self::Plain),
            None if text == "gemm_broadcast" => Ok(Self::Broadcast),
            None if text == "gemv_rows" => Ok(Self::Rows),
            Some(("gemm_tiled", tiling)) => tiling.parse().map(Self::Tiled),
            _ => Err(unknown("gemm, gemm_broadcast, gemm_tiled with a tile, or gemv_rows", text)),
        }
    }
}

impl FromStr for KernelChoice {
    type Err = Error;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self> {
        const NAMES: &str = "direct, direct_broadcast, depthwise, tiled, im2col, winograd, winograd_large, gemm, gemm_broadcast, gemm_tiled, \
            gemv_rows or matmul";
        Ok(Self(match text.split_once(' ') {
            None if text == "direct" => How::Direct,
            None if text == "direct_broadcast" => How::DirectBroadcast,
            None if text == "depthwise" => How::Depthwise,
            None if text == "matmul" => How::MatMul,
            Some(("tiled", tiling)) => How::Tiled(tiling.parse()?),
            Some(("im2col", by)) => How::Im2col(by.parse()?),
            Some(("winograd", by)) => How::Winograd(Winograd::Small, by.parse()?),
            Some(("winograd_large", by)) => How::Winograd(Winograd::Large, by.parse()?),
            _ if text.starts_with("gem") => How::Product(text.parse()?),
            _ => return Err(unknown(NAMES, text)),
        }))
    }
}
