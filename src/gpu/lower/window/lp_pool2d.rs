//! Pooling by the p-norm.

use crate::error::Result;
use crate::gpu::choose::plane::PoolPlane;
use crate::gpu::choose::problem::step;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::window::pool2d::{MOST_TAPS_ALONE, check_window};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::window::LpPoolParameters;
use crate::ops::LpPool;

pub(crate) fn lower(op: &LpPool, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let name = "lp_pool2d";
    let window = PoolPlane::new(name, &op.window(&input.shape)?)?.window;
    let (kernel, stride, dilation, padding) = (window.kernel, window.stride, window.dilation, window.padding);
    check_window(name, &window)?;
    let outputs = elements(output);
    let parameters = LpPoolParameters {
        in_height: window.input.height as u32,
        in_width: window.input.width as u32,
        out_height: window.output.height as u32,
        out_width: window.output.width as u32,
        kernel_height: kernel.height as u32,
        kernel_width: kernel.width as u32,
        stride_height: step(stride.height, window.output.height),
        stride_width: step(stride.width, window.output.width),
        dilation_height: step(dilation.height, kernel.height),
        dilation_width: step(dilation.width, kernel.width),
        pad_top: padding.top as u32,
        pad_left: padding.left as u32,
        outputs: outputs as u32,
        power: op.p,
    };
    // 1 and 2 need no power and no general root.
    let norm = op.p.min(3);
    let taps = kernel.height.min(window.input.height) * kernel.width.min(window.input.width);
    let together = taps > MOST_TAPS_ALONE && recording.capabilities.splits_sums();
    let key = PipelineKey::new(
        Kernel::LpPool2d,
        [("LANES", LANES), ("NORM", norm), ("TOGETHER", u32::from(together))],
    );
    let (workgroups, own_taps, tree) = if together {
        (outputs, taps.div_ceil(LANES as usize), LANES.ilog2() as usize)
    } else {
        (outputs.div_ceil(LANES as usize), taps, 0)
    };
    // Powers are taken by squaring, in as many rounds as the exponent has bits.
    let power_rounds = if norm == 3 {
        (u32::BITS - op.p.leading_zeros()) as usize
    } else {
        0
    };
    let passes = if norm == 1 { own_taps } else { own_taps * (2 + power_rounds) };
    let work = Work::of(workgroups).rounds(passes + 2 * tree);
    recording.dispatch(name, key, &parameters, &[slot(input)?], &[slot(output)?], work)
}
