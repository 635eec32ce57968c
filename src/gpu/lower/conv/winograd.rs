//! Winograd's convolution of 3x3 kernels: F(2x2, 3x3), 16 products for four outputs where the definition has 36, and
//! F(4x4, 3x3), 36 for sixteen.
//!
//! Weights and input tiles are transformed, multiplied as so many matrix products, and transformed back. F(2x2, 3x3) has
//! halves and quarters at most, so sums of whole numbers stay exact. F(4x4, 3x3) has fifteenths.

use crate::dtype::DType;
use crate::error::Result;
use crate::gpu::choose::kernel_choice::Product;
use crate::gpu::choose::plane::ConvPlane;
use crate::gpu::choose::rules::LANES;
use crate::gpu::choose::winograd::Quads;
use crate::gpu::choose::winograd::output_rounds;
use crate::gpu::choose::winograd::product_of;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::gemm::gemm;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::conv::{WinogradInputParameters, WinogradOutputParameters, WinogradWeightParameters};
use crate::ops::Winograd;

const NAME: &str = "conv2d";
/// Rows of quads that an invocation of the input's transform goes down: the first costs the loads of two.
const SEGMENT_ROWS: usize = 8;

/// What every kernel of these tiles is told.
fn constants(tiles: Winograd) -> [(&'static str, u32); 3] {
    [
        ("LANES", LANES),
        ("TILE", tiles.tile() as u32),
        ("PATCH", tiles.patch() as u32),
    ]
}

/// One of two kernels.
fn kernel(tiles: Winograd, small: Kernel, large: Kernel) -> Kernel {
    match tiles {
        Winograd::Small => small,
        Winograd::Large => large,
    }
}

/// Records a convolution with a 3x3 kernel, stride 1, dilation 1 and one group.
pub(crate) fn winograd(
    geometry: &ConvPlane,
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
    geometry: &ConvPlane,
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
    let own = [&constants(tiles)[..], &special].concat();
    let invocations = geometry.batch * geometry.out_channels * band.count();
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = WinogradOutputParameters {
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
    let key = operands.key(kernel(tiles, Kernel::WinogradOutput, Kernel::WinogradOutputLarge), &own);
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
fn transform_weight(geometry: &ConvPlane, tiles: Winograd, weight: &Value, recording: &mut Recording) -> Result<Value> {
    let shape = [tiles.places(), geometry.out_channels, geometry.in_channels, 1];
    let transformed = recording.inner(NAME, &shape)?;
    let kernels = geometry.out_channels * geometry.in_channels;
    let kernel = kernel(tiles, Kernel::WinogradWeight, Kernel::WinogradWeightLarge);
    let key = PipelineKey::new(kernel, constants(tiles));
    let parameters = WinogradWeightParameters { kernels: kernels as u32 };
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
    geometry: &ConvPlane,
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
    let kernel = kernel(tiles, Kernel::WinogradInput, Kernel::WinogradInputLarge);
    let constants = [&constants(tiles)[..], &special].concat();
    let key = PipelineKey::new(kernel, constants);
    let parameters = WinogradInputParameters {
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
