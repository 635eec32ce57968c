//! The two kernels that measure an adapter: a plain copy, and multiply-adds in registers.

use crate::error::Result;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::matmul::register_block::lanes;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::roofline::{CopyParameters, MultiplyAddParameters};

const NAME: &str = "ceilings";
/// Blocks of four elements that an invocation copies.
const ITEMS: u32 = 16;
/// Independent sums of an invocation: a processor core begins two multiply-adds a cycle and has each done after four or
/// five, and more sums than registers would spill.
const CHAINS: u32 = 12;
/// Multiply-adds of each sum in a round, enough that the loop around them costs nothing.
const STEPS: u32 = 16;

/// Records a copy between tensors of one size, of whole blocks of four elements.
pub(crate) fn copy(input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let items = elements(output) / 4;
    let lanes = lanes(recording, false);
    let key = PipelineKey::new(Kernel::CeilingCopy, [("LANES", lanes), ("ITEMS", ITEMS)]);
    let parameters = CopyParameters { items: items as u32 };
    recording.dispatch(
        NAME,
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        Work::of(items.div_ceil((lanes * ITEMS) as usize)),
    )
}

/// So many workgroups that do so many rounds of multiply-adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MultiplyAdds {
    pub(crate) workgroups: usize,
    pub(crate) rounds: u32,
}

impl MultiplyAdds {
    /// Records them and gives the floating-point operations, two a multiply-add. The input holds factor and summand.
    pub(crate) fn record(self, input: &Value, recording: &mut Recording) -> Result<f64> {
        let lanes = lanes(recording, false);
        let invocations = self.workgroups * lanes as usize;
        let key = PipelineKey::new(
            Kernel::CeilingMultiplyAdd,
            [("LANES", lanes), ("CHAINS", CHAINS), ("STEPS", STEPS)],
        );
        let parameters = MultiplyAddParameters {
            rounds: self.rounds,
            invocations: invocations as u32,
        };
        let output = recording.scratch(NAME, invocations)?;
        let work = Work::of(self.workgroups).rounds(self.rounds as usize);
        recording.dispatch(NAME, key, &parameters, &[slot(input)?], &[output], work)?;
        Ok(2.0 * invocations as f64 * f64::from(self.rounds) * f64::from(STEPS * CHAINS))
    }
}
