//! Winograd's convolution of 3x3 kernels: F(2x2, 3x3), 16 products for four outputs where the definition has 36, and
//! F(4x4, 3x3), 36 for sixteen.
//!
//! Weights and input tiles are transformed, multiplied as so many matrix products, and transformed back. F(2x2, 3x3) has
//! halves and quarters at most, so sums of whole numbers stay exact. F(4x4, 3x3) has fifteenths.

use super::epilogue::Operands;
use super::kernel_choice::Product;
use super::linear::{Gemm, gemm, quads_computed};
use super::{LANES, parameters, slot};
use crate::error::Result;
use crate::gpu::DeviceClass;
use crate::gpu::context::Capabilities;
use crate::gpu::recording::{DType, MOST_ROUNDS, Recording, Value, Work};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::ConvGeometry;
use crate::reference::Winograd;

parameters!(WeightParameters { kernels: u32 });
parameters!(InputParameters {
    in_channels: u32,
    in_height: u32,
    in_width: u32,
    padded_height: u32,
    padded_width: u32,
    pad_top: u32,
    pad_left: u32,
    rows: u32,
    rows_above: u32,
    columns: u32,
    segment_rows: u32,
    segments: u32,
    invocations: u32,
});
parameters!(OutputParameters {
    in_channels: u32,
    in_height: u32,
    in_width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    pad_top: u32,
    pad_left: u32,
    quad_shift: u32,
    columns: u32,
    quads: u32,
    rows_above: u32,
    invocations: u32,
    activation_first: f32,
    activation_second: f32,
});

const NAME: &str = "conv2d";
/// What a convolution has to be.
pub(super) const TOO_LARGE: &str = "its transformed tensors are larger than the device can bind, or its channels too many";
pub(super) const NEEDS_THREE_BY_THREE: &str = "it needs a 3x3 kernel with stride 1, dilation 1 and one group";
/// Rows of quads that an invocation of the input's transform goes down: the first costs the loads of two.
const SEGMENT_ROWS: usize = 8;

impl Winograd {
    /// Outputs of a tile, across and down.
    const fn tile(self) -> usize {
        match self {
            Self::Small => 2,
            Self::Large => 4,
        }
    }

    /// Pixels that a tile is computed from, across and down.
    const fn patch(self) -> usize {
        self.tile() + 2
    }

    /// Numbers of a transformed tile, each the input of a matrix product of its own.
    const fn places(self) -> usize {
        self.patch() * self.patch()
    }

    /// What every kernel of it is told.
    fn constants(self) -> [(&'static str, u32); 3] {
        [("LANES", LANES), ("TILE", self.tile() as u32), ("PATCH", self.patch() as u32)]
    }

    /// One of two kernels.
    fn kernel(self, small: Kernel, large: Kernel) -> Kernel {
        match self {
            Self::Small => small,
            Self::Large => large,
        }
    }
}

/// The tiles of a plane, four at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quads {
    tiles: Winograd,
    /// Tiles across in a quad: 4 or 2.
    width: usize,
    /// Of quads.
    rows: usize,
    /// Of quads.
    columns: usize,
}

impl Quads {
    /// The quads that cover so many outputs: four tiles across, and two by two only where that saves a fifth of them, since
    /// the transform of each shape is compiled for itself.
    fn choose(tiles: Winograd, height: usize, width: usize) -> Self {
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

    fn count(self) -> usize {
        self.rows * self.columns
    }

    /// The bands of rows, from top to bottom, that are computed one after another: each with the rows above it. All in one on a
    /// GPU. On software adapters transformed pixels and products of so many channels stay in their caches.
    fn bands(self, geometry: &ConvGeometry, class: DeviceClass) -> impl Iterator<Item = (Self, usize)> {
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
    fn of(tiles: Winograd, geometry: &ConvGeometry) -> Self {
        Self::choose(tiles, geometry.output.height, geometry.output.width)
    }

    /// Tiles in all, those past the edges included.
    fn count_tiles(self) -> usize {
        4 * self.count()
    }
}

/// Whether F(2x2, 3x3) is faster than the definition where weights are handed round subgroups of eight. Measured on lavapipe: the
/// transforms cost more than they save with fewer channels, and so do tiles past the edges and idle lanes where they
/// leave less than a quarter of the products to save.
pub(super) fn pays(geometry: &ConvGeometry) -> bool {
    let quads = Quads::of(Winograd::Small, geometry);
    let products = quads.tiles.places() * 4 * quads_computed(quads.count());
    let by_definition = 9 * geometry.output.height * geometry.output.width;
    geometry.in_channels >= 64 && geometry.out_channels >= 16 && products <= by_definition / 4 * 3
}

/// Whether F(4x4, 3x3) leaves less to multiply than F(2x2, 3x3). Measured on lavapipe: a quarter less, and not with so few tiles
/// that loads of weights are all that counts.
pub(super) fn is_better_large(geometry: &ConvGeometry) -> bool {
    const FEWEST_TILES: usize = 16;
    let [small, large] = [Winograd::Small, Winograd::Large].map(|tiles| Quads::of(tiles, geometry));
    let products = |quads: Quads| quads.tiles.places() * quads.count_tiles();
    large.count_tiles() >= FEWEST_TILES && 4 * products(large) <= 3 * products(small)
}

/// Whether tiles of F(2x2, 3x3) past the edges leave a quarter of the products to save.
pub(super) fn saves(geometry: &ConvGeometry) -> bool {
    let quads = Quads::of(Winograd::Small, geometry);
    quads.tiles.places() * quads.count_tiles() <= 9 * geometry.output.height * geometry.output.width / 4 * 3
}

/// Elements of the transformed input or of the products, of which there are as many channels.
fn elements(geometry: &ConvGeometry, channels: usize, quads: Quads) -> usize {
    let factors = [geometry.batch, quads.tiles.places(), channels, quads.count_tiles()];
    factors.into_iter().fold(1, usize::saturating_mul)
}

/// Rounds of an invocation of the output's transform, where none of its sums is finite and all are summed again.
fn output_rounds(tiles: Winograd, geometry: &ConvGeometry) -> usize {
    let outputs = tiles.tile() * tiles.tile();
    outputs + 4 * outputs * (1 + 9 * (1 + geometry.in_channels.div_ceil(4)))
}

/// Whether the transformed input, the transformed weight in blocks and the products can be bound.
pub(super) fn fits(tiles: Winograd, geometry: &ConvGeometry, capabilities: &Capabilities) -> bool {
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
pub(super) fn product(tiles: Winograd, geometry: &ConvGeometry) -> Gemm {
    product_of(geometry, Quads::of(tiles, geometry))
}

fn product_of(geometry: &ConvGeometry, quads: Quads) -> Gemm {
    let tiles = quads.count_tiles();
    Gemm {
        batch: geometry.batch,
        groups: quads.tiles.places(),
        in_channels: geometry.in_channels,
        out_channels: geometry.out_channels,
        positions: tiles,
        strides: [tiles, 1, tiles, 1],
    }
}

/// Records a convolution with a 3x3 kernel, stride 1, dilation 1 and one group.
pub(super) fn winograd(
    geometry: &ConvGeometry,
    tiles: Winograd,
    by: Product,
    padding_mode: u32,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let weight = transform_weight(geometry, tiles, operands.weight, recording)?;
    // A bias of nothing, so that the products share a pipeline with the pointwise convolutions around them.
    let channels = tiles.places() * geometry.out_channels;
    let bias = Value {
        slot: Some(recording.data(NAME, vec![0; channels])?),
        shape: vec![channels],
        dtype: DType::F32,
    };
    let quads = Quads::of(tiles, geometry);
    for (band, rows_above) in quads.bands(geometry, recording.capabilities.class) {
        let input = transform_input(geometry, padding_mode, band, rows_above, operands.input, recording)?;
        let products = recording.inner(
            NAME,
            &[geometry.batch, tiles.places(), geometry.out_channels, band.count_tiles()],
        )?;
        gemm(
            NAME,
            &product_of(geometry, band),
            by,
            &Operands::plain(&[input, weight.clone(), bias.clone()]),
            &products,
            recording,
        )?;
        transform_output(
            geometry,
            padding_mode,
            band,
            rows_above,
            operands,
            &products,
            output,
            recording,
        )?;
    }
    Ok(())
}

/// The outputs of a band from its products.
#[expect(clippy::too_many_arguments, reason = "what is transformed, from where to where")]
fn transform_output(
    geometry: &ConvGeometry,
    padding_mode: u32,
    band: Quads,
    rows_above: usize,
    operands: &Operands<'_>,
    products: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let tiles = band.tiles;
    let outputs = (tiles.tile() * tiles.tile()) as u32;
    let special = [("OUTPUTS", outputs), ("MOVED", outputs - 1), ("PADDING_MODE", padding_mode)];
    let own = [&tiles.constants()[..], &special].concat();
    let invocations = geometry.batch * geometry.out_channels * band.count();
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = OutputParameters {
        in_channels: geometry.in_channels as u32,
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        out_channels: geometry.out_channels as u32,
        out_height: geometry.output.height as u32,
        out_width: geometry.output.width as u32,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        quad_shift: band.width.ilog2(),
        columns: band.columns as u32,
        quads: band.count() as u32,
        rows_above: rows_above as u32,
        invocations: invocations as u32,
        activation_first,
        activation_second,
    };
    let [input, weight, bias, residual] = operands.slots(slot(operands.weight)?)?;
    let key = PipelineKey {
        kernel: tiles.kernel(Kernel::WinogradOutput, Kernel::WinogradOutputLarge),
        constants: operands.constants(&own),
        writable: 0,
    };
    recording.dispatch(
        NAME,
        key,
        &parameters,
        &[slot(products)?, weight, bias, residual, input],
        &[slot(output)?],
        Work::of(invocations.div_ceil(LANES as usize)).rounds(output_rounds(tiles, geometry)),
    )
}

/// The weight as so many matrices; done once where it is constant.
fn transform_weight(geometry: &ConvGeometry, tiles: Winograd, weight: &Value, recording: &mut Recording) -> Result<Value> {
    let shape = [tiles.places(), geometry.out_channels, geometry.in_channels, 1];
    let transformed = recording.inner(NAME, &shape)?;
    let kernels = geometry.out_channels * geometry.in_channels;
    let kernel = tiles.kernel(Kernel::WinogradWeight, Kernel::WinogradWeightLarge);
    let key = PipelineKey::new(kernel, tiles.constants());
    let parameters = WeightParameters { kernels: kernels as u32 };
    let workgroups = kernels.div_ceil(LANES as usize);
    recording.dispatch(
        NAME,
        key,
        &parameters,
        &[slot(weight)?],
        &[slot(&transformed)?],
        Work::of(workgroups),
    )?;
    Ok(transformed)
}

/// A band of the input as so many matrices for each batch entry.
fn transform_input(
    geometry: &ConvGeometry,
    padding_mode: u32,
    band: Quads,
    rows_above: usize,
    input: &Value,
    recording: &mut Recording,
) -> Result<Value> {
    let tiles = band.tiles;
    let shape = [geometry.batch, tiles.places(), geometry.in_channels, band.count_tiles()];
    let transformed = recording.inner(NAME, &shape)?;
    // Segments of equal length, but for the last.
    let segment_rows = band.rows.div_ceil(band.rows.div_ceil(SEGMENT_ROWS));
    let segments = band.rows.div_ceil(segment_rows);
    let invocations = geometry.batch * geometry.in_channels * segments * band.columns;
    let (across, down) = (band.width, 4 / band.width);
    let special = [
        ("QUAD_WIDTH", across as u32),
        ("QUAD_HEIGHT", down as u32),
        ("NEW_ROWS", (tiles.tile() * down) as u32),
        ("PATCH_WIDTH", (tiles.tile() * across + 2) as u32),
        ("ROW_VALUES", (tiles.patch() * across) as u32),
        ("PADDING_MODE", padding_mode),
    ];
    let kernel = tiles.kernel(Kernel::WinogradInput, Kernel::WinogradInputLarge);
    let constants = [&tiles.constants()[..], &special].concat();
    let key = PipelineKey {
        kernel,
        constants,
        writable: 0,
    };
    let parameters = InputParameters {
        in_channels: geometry.in_channels as u32,
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        padded_height: geometry.output.height as u32 + 2,
        padded_width: geometry.output.width as u32 + 2,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        rows: band.rows as u32,
        rows_above: rows_above as u32,
        columns: band.columns as u32,
        segment_rows: segment_rows as u32,
        segments: segments as u32,
        invocations: invocations as u32,
    };
    let work = Work::of(invocations.div_ceil(LANES as usize)).rounds(segment_rows + 1);
    recording.dispatch(NAME, key, &parameters, &[slot(input)?], &[slot(&transformed)?], work)?;
    Ok(transformed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        use crate::ops::Conv2d;
        for (batch, ins, outs, extent, count) in [
            (1, 64, 64, 56, 1),
            (1, 64, 64, 224, 7),
            (2, 64, 16, 224, 13),
            (1, 1, 512, 16384, 16384 / 2),
        ] {
            let op = Conv2d::new().padding(1);
            let geometry = op.geometry(&[batch, ins, extent, extent], &[outs, ins, 3, 3], None).unwrap();
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
        use crate::ops::Conv2d;
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
            let op = Conv2d::new().padding(1);
            let geometry = op.geometry(&[batch, ins, extent, extent], &[outs, ins, 3, 3], None).unwrap();
            assert_eq!(pays(&geometry), faster, "{batch} {ins} {outs} {extent}");
        }
    }
}
