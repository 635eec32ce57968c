//! Products by tiles in workgroup memory: the tiles, how a product is cut into them, and the sum of its parts.

use crate::error::Result;
use crate::gpu::choose::kernel_choice::Tiling;
use crate::gpu::choose::rules::LANES;
use crate::gpu::choose::tile::Cut;
use crate::gpu::choose::tile::Extents;
use crate::gpu::choose::tile::Tile;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::matmul::SumSplitsParameters;

/// How a kernel by tiles is told what to compute.
pub(crate) struct Tiled<'a> {
    pub(crate) name: &'static str,
    pub(crate) kernel: Kernel,
    /// Positions of a Real.
    pub(crate) width: usize,
    /// Constants of the kernel's own.
    pub(crate) special: &'a [(&'static str, u32)],
    /// Elements between the channels of a position of the output.
    pub(crate) channel_stride: usize,
}

/// Records a product by tiles and, where its terms are split, the sum of its parts. `parameters` makes the kernel's from the
/// cut and its activation's.
pub(crate) fn tiled<P: bytemuck::NoUninit>(
    how: &Tiled<'_>,
    (extents, tiling): (Extents, Tiling),
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
    pack: impl FnOnce(Tile, &mut Recording) -> Result<crate::gpu::plan::recording::SlotId>,
    parameters: impl FnOnce(&Cut, (f32, f32)) -> P,
) -> Result<()> {
    let cut = Cut::new(extents, tiling.tile, tiling.splits);
    let packed = pack(cut.tile, recording)?;
    let own = [&cut.tile.constants(how.width, how.channel_stride == 1)[..], how.special].concat();
    let (first, parts);
    if cut.splits == 1 {
        (first, parts) = (*operands, output.clone());
    } else {
        let shape = [&[cut.splits][..], &output.shape].concat();
        (first, parts) = (operands.bare(), recording.inner(how.name, &shape)?);
    }
    let key = first.key(how.kernel, &own);
    let parameters = parameters(&cut, first.activation_parameters());
    let inputs = first.slots(packed)?;
    recording.dispatch(how.name, key, &parameters, &inputs, &[slot(&parts)?], work(&cut))?;
    if cut.splits > 1 {
        sum_splits(how, &cut, operands, &parts, output, recording)?;
    }
    Ok(())
}

fn sum_splits(
    how: &Tiled<'_>,
    cut: &Cut,
    operands: &Operands<'_>,
    parts: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let outputs = elements(output);
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = SumSplitsParameters {
        outputs: outputs as u32,
        splits: cut.splits as u32,
        channels: (cut.extents.groups * cut.extents.channels) as u32,
        channel_stride: how.channel_stride as u32,
        activation_first,
        activation_second,
    };
    let key = operands.key(Kernel::SumSplits, &[("LANES", LANES)]);
    let parts = slot(parts)?;
    // What there is not, the parts stand in for.
    let [_, _, bias, residual] = operands.slots(parts)?;
    let work = Work::of(outputs.div_ceil(LANES as usize)).rounds(cut.splits);
    recording.dispatch(how.name, key, &parameters, &[parts, bias, residual], &[slot(output)?], work)
}

fn work(cut: &Cut) -> Work {
    let Tile { slice, each, .. } = cut.tile;
    Work::of(cut.workgroups()).rounds(cut.split_slices * (1 + slice / 4) + each / 4)
}
