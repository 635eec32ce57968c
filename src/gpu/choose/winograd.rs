//! Winograd's convolution of 3x3 kernels: its tiles, where it fits and where it pays.

use crate::gpu::choose::gemm::{Gemm, quads_computed};
use crate::gpu::choose::plane::ConvPlane;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use crate::ops::Winograd;

const NAME: &str = "conv2d";
/// What a convolution has to be.
pub(crate) const TOO_LARGE: &str = "its transformed tensors are larger than the device can bind, or its channels too many";
pub(crate) const NEEDS_THREE_BY_THREE: &str = "it needs a 3x3 kernel with stride 1, dilation 1 and one group";

/// The tiles of a plane, four at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quads {
    pub(crate) tiles: Winograd,
    /// Tiles across in a quad: 4 or 2.
    pub(crate) width: usize,
    /// Of quads.
    pub(crate) rows: usize,
    /// Of quads.
    pub(crate) columns: usize,
}

impl Quads {
    /// The quads that cover so many outputs: four tiles across, and two by two only where that saves a fifth of them, since
    /// the transform of each shape is compiled for itself.
    pub(crate) fn choose(tiles: Winograd, height: usize, width: usize) -> Self {
        let cover = |across: usize| Self {
            tiles,
            width: across,
            rows: height.div_ceil(tiles.tile() * (4 / across)),
            columns: width.div_ceil(tiles.tile() * across),
        };
        let (long, square) = (cover(4), cover(2));
        if 5 * square.count() <= 4 * long.count() {
            square
        } else {
            long
        }
    }

    pub(crate) fn count(self) -> usize {
        self.rows * self.columns
    }

    /// The bands of rows, from top to bottom, that are computed one after another: each with the rows above it. All in one on a
    /// GPU. On software adapters transformed pixels and products of so many channels stay in their caches.
    pub(crate) fn bands(self, geometry: &ConvPlane, class: DeviceClass) -> impl Iterator<Item = (Self, usize)> {
        const MOST_ELEMENTS: usize = (8 << 20) / 4;
        let channels = geometry.in_channels.max(geometry.out_channels);
        let bands = match class {
            DeviceClass::Software => elements(geometry, channels, self).div_ceil(MOST_ELEMENTS),
            DeviceClass::Integrated | DeviceClass::Discrete => 1,
        };
        let rows = self.rows.div_ceil(bands.clamp(1, self.rows));
        (0..self.rows).step_by(rows).map(move |above| {
            let rows = rows.min(self.rows - above);
            (Self { rows, ..self }, above)
        })
    }

    /// Those of a convolution's output.
    pub(crate) fn of(tiles: Winograd, geometry: &ConvPlane) -> Self {
        Self::choose(tiles, geometry.output.height, geometry.output.width)
    }

    /// Tiles in all, those past the edges included.
    pub(crate) fn count_tiles(self) -> usize {
        4 * self.count()
    }
}

/// Whether F(2x2, 3x3) is faster than the definition where weights are handed round subgroups of eight. Measured on lavapipe: the
/// transforms cost more than they save with fewer channels, and so do tiles past the edges and idle lanes where they
/// leave less than a quarter of the products to save.
pub(crate) fn pays(geometry: &ConvPlane) -> bool {
    let quads = Quads::of(Winograd::Small, geometry);
    let products = quads.tiles.places() * 4 * quads_computed(quads.count());
    let by_definition = 9 * geometry.output.height * geometry.output.width;
    geometry.in_channels >= 64 && geometry.out_channels >= 16 && products <= by_definition / 4 * 3
}

/// Whether F(4x4, 3x3) leaves less to multiply than F(2x2, 3x3). Measured on lavapipe: a quarter less, and not with so few tiles
/// that loads of weights are all that counts.
pub(crate) fn is_better_large(geometry: &ConvPlane) -> bool {
    const FEWEST_TILES: usize = 16;
    let [small, large] = [Winograd::Small, Winograd::Large].map(|tiles| Quads::of(tiles, geometry));
    let products = |quads: Quads| quads.tiles.places() * quads.count_tiles();
    large.count_tiles() >= FEWEST_TILES && 4 * products(large) <= 3 * products(small)
}

/// Whether tiles of F(2x2, 3x3) past the edges leave a quarter of the products to save.
pub(crate) fn saves(geometry: &ConvPlane) -> bool {
    let quads = Quads::of(Winograd::Small, geometry);
    quads.tiles.places() * quads.count_tiles() <= 9 * geometry.output.height * geometry.output.width / 4 * 3
}

/// Elements of the transformed input or of the products, of which there are as many channels.
fn elements(geometry: &ConvPlane, channels: usize, quads: Quads) -> usize {
    let factors = [geometry.batch, quads.tiles.places(), channels, quads.count_tiles()];
    factors.into_iter().fold(1, usize::saturating_mul)
}

/// Rounds of an invocation of the output's transform, where none of its sums is finite and all are summed again.
pub(crate) fn output_rounds(tiles: Winograd, geometry: &ConvPlane) -> usize {
    let outputs = tiles.tile() * tiles.tile();
    outputs + 4 * outputs * (1 + 9 * (1 + geometry.in_channels.div_ceil(4)))
}

/// Whether the transformed input, the transformed weight in blocks and the products can be bound.
pub(crate) fn fits(tiles: Winograd, geometry: &ConvPlane, capabilities: &Capabilities) -> bool {
    const LARGEST_BLOCK: usize = 128;
    const LARGEST_SLICE: usize = 16;
    if output_rounds(tiles, geometry) as u64 > MOST_ROUNDS {
        return false;
    }
    let (in_channels, out_channels) = (geometry.in_channels, geometry.out_channels);
    let quads = Quads::of(tiles, geometry);
    let largest = quads
        .bands(geometry, capabilities.class)
        .map(|(band, _)| elements(geometry, in_channels.max(out_channels), band));
    let weights = [
        in_channels.saturating_add(LARGEST_SLICE),
        out_channels.saturating_add(LARGEST_BLOCK),
    ];
    largest
        .chain([weights.into_iter().fold(tiles.places(), usize::saturating_mul)])
        .all(|elements| u32::try_from(elements).is_ok() && capabilities.check_elements(NAME, elements).is_ok())
}

/// The matrix products of all tiles as one.
pub(crate) fn product(tiles: Winograd, geometry: &ConvPlane) -> Gemm {
    product_of(geometry, Quads::of(tiles, geometry))
}

pub(crate) fn product_of(geometry: &ConvPlane, quads: Quads) -> Gemm {
    let tiles = quads.count_tiles();
    Gemm {
        batch: geometry.batch,
        groups: quads.tiles.places(),
        in_channels: geometry.in_channels,
        out_channels: geometry.out_channels,
        positions: tiles,
        strides: [tiles, 1, tiles, 1],
        transposed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Conv2d;

    /// A padded 3x3 convolution.
    fn plane([batch, ins, height, width]: [usize; 4], outs: usize) -> ConvPlane {
        let geometry = Conv2d::new()
            .padding(1)
            .geometry(&[batch, ins, height, width], &[outs, ins, 3, 3], None);
        ConvPlane::new("conv2d", &geometry.unwrap()).unwrap()
    }

    #[test]
    fn quads_cover_with_few_tiles() {
        use Winograd::{Large, Small};
        for (size, height, width, across, tiles) in [
            (Small, 56, 56, 4, 784),
            (Small, 28, 28, 4, 224),
            (Small, 12, 12, 2, 36),
            (Small, 14, 14, 4, 56),
            (Small, 7, 7, 4, 16),
            (Small, 1, 3, 4, 4),
            (Small, 4, 4, 2, 4),
            (Large, 56, 56, 4, 224),
            (Large, 28, 28, 4, 56),
            (Large, 14, 14, 4, 16),
            (Large, 7, 7, 2, 4),
        ] {
            let quads = Quads::choose(size, height, width);
            let cover = (quads.width, quads.count_tiles());
            assert_eq!(cover, (across, tiles), "{size:?}, {height} x {width}");
        }
    }

    #[test]
    fn bands_cover_all_rows_and_stay_small() {
        for (batch, ins, outs, extent, count) in [
            (1, 64, 64, 56, 1),
            (1, 64, 64, 224, 7),
            (2, 64, 16, 224, 13),
            (1, 1, 512, 16384, 16384 / 2),
        ] {
            let geometry = plane([batch, ins, extent, extent], outs);
            let quads = Quads::choose(Winograd::Small, extent, extent);
            let bands: Vec<_> = quads.bands(&geometry, DeviceClass::Software).collect();
            assert_eq!(bands.len(), count, "{geometry:?}");
            let mut rows = 0;
            for (band, above) in bands {
                assert_eq!((above, band.width, band.columns), (rows, quads.width, quads.columns));
                rows += band.rows;
            }
            assert_eq!(rows, quads.rows);
            assert_eq!(quads.bands(&geometry, DeviceClass::Discrete).count(), 1);
        }
    }

    /// The layers of `ResNet` and VGG, as measured.
    #[test]
    fn the_rule_takes_what_is_faster() {
        for (batch, ins, outs, extent, faster) in [
            (1, 64, 64, 56, true),
            (1, 128, 128, 28, true),
            (1, 256, 256, 14, true),
            (1, 512, 512, 7, true),
            (1, 512, 512, 14, true),
            (1, 3, 64, 224, false),
            (1, 64, 64, 224, true),
            (1, 128, 128, 112, true),
            (8, 128, 128, 112, true),
            (1, 256, 256, 56, true),
            (1, 64, 16, 56, true),
            (1, 16, 64, 56, false),
            (1, 32, 32, 56, false),
            (1, 512, 512, 1, false),
        ] {
            let geometry = plane([batch, ins, extent, extent], outs);
            assert_eq!(pays(&geometry), faster, "{batch} {ins} {outs} {extent}");
        }
    }
}
