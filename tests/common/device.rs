//! Whatever runs operators, and one operator on it against the reference.

use convoke::ops::{Binary, Op, Unary, Winograd};
use convoke::reference::{self, Answer, Scores};
use convoke::testing::{compare, compare_exact};
use convoke::{DType, Error, Result, Tensor, TensorType};
use ndarray::ArrayD;

/// The outcome of one trial.
pub(crate) type Outcome = std::result::Result<(), libtest_mimic::Failed>;

/// Runs one operator at a time.
pub(crate) trait Device {
    fn name(&self) -> String;

    /// The outputs.
    fn run(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> Result<Vec<Tensor>>;

    /// The outputs, all of them `f32`.
    fn run_floats(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.run(op, inputs)?.into_iter().map(Tensor::into_array).collect()
    }

    /// How it may compute convolutions.
    fn winograd(&self) -> Winograd {
        Winograd::Small
    }

    /// What it should give.
    fn answers(&self, op: &Op, inputs: &[ArrayD<f32>]) -> Result<Vec<Answer>> {
        answers_allowing(op, inputs, self.winograd())
    }

    /// Whether it can hold these whole numbers exactly. The fifteenths of large tiles leave no sum exact.
    fn holds(&self, _: &Answer) -> bool {
        self.winograd() == Winograd::Small
    }
}

/// Whether an operator takes so many tensors of a type.
pub(crate) fn takes(op: &Op, dtype: DType, inputs: usize) -> bool {
    op.infer(&vec![&TensorType::new(dtype, [1]); inputs]).is_ok()
}

/// The functions of one float, those with parameters with some value of them.
pub(crate) fn unaries() -> impl Iterator<Item = Unary> {
    Unary::EXAMPLES.iter().copied().filter(|&op| takes(&op.into(), DType::F32, 1))
}

/// The functions of two floats.
pub(crate) fn binaries() -> impl Iterator<Item = Binary> {
    Binary::EXAMPLES
        .iter()
        .copied()
        .filter(|&op| takes(&op.into(), DType::F32, 2))
}

/// The tensors' numbers as `f32`, whatever their type.
pub(crate) fn floats(tensors: &[Tensor]) -> Vec<ArrayD<f32>> {
    tensors.iter().map(Tensor::to_f32).collect()
}

/// What the reference gives.
pub(crate) fn answers(op: &Op, inputs: &[ArrayD<f32>]) -> Result<Vec<Answer>> {
    answers_allowing(op, inputs, Winograd::Small)
}

fn answers_allowing(op: &Op, inputs: &[ArrayD<f32>], winograd: Winograd) -> Result<Vec<Answer>> {
    let inputs: Vec<Answer> = inputs.iter().map(|input| Answer::exact(input.view())).collect();
    reference::run_allowing(op, &inputs.iter().collect::<Vec<_>>(), winograd)
}

/// Every output within the reference's bound.
pub(crate) fn check(device: &dyn Device, op: &Op, inputs: &[ArrayD<f32>]) -> std::result::Result<(), String> {
    computed(device, op, inputs, false).map(|_| ())
}

/// Every output with the reference's bits.
pub(crate) fn check_exact(device: &dyn Device, op: &Op, inputs: &[ArrayD<f32>]) -> std::result::Result<(), String> {
    computed(device, op, inputs, true).map(|_| ())
}

/// As [`check`] or [`check_exact`], but gives `false` where the device says `Unsupported`.
pub(crate) fn computed(device: &dyn Device, op: &Op, inputs: &[ArrayD<f32>], exact: bool) -> std::result::Result<bool, String> {
    let shapes: Vec<_> = inputs.iter().map(ArrayD::shape).collect();
    let place = || format!("{op:?} of {shapes:?} on {}", device.name());
    let outputs = match device.run(op, &inputs.iter().collect::<Vec<_>>()) {
        Ok(outputs) => outputs,
        Err(Error::Unsupported { .. }) => return Ok(false),
        Err(error) => return Err(format!("{}: {error}", place())),
    };
    let answers = device
        .answers(op, inputs)
        .map_err(|error| format!("{}: reference: {error}", place()))?;
    if outputs.len() != answers.len() {
        return Err(format!("{}: {} outputs, not {}", place(), outputs.len(), answers.len()));
    }
    for (index, (output, answer)) in outputs.iter().zip(&answers).enumerate() {
        let outcome = if exact && device.holds(answer) {
            compare_exact(&output.to_f32(), &answer.to_f32())
        } else {
            compare(output, answer)
        };
        outcome.map_err(|mismatch| format!("{}, output {index}: {mismatch}", place()))?;
        let operands: Vec<Tensor> = inputs.iter().cloned().map(Tensor::from).collect();
        let scores = Scores::of(op, &operands.iter().collect::<Vec<_>>(), output, answer);
        if let Some(scores) = scores.filter(Scores::is_suspicious) {
            return Err(format!("{}, output {index}: a false alarm: {scores:?}", place()));
        }
    }
    Ok(true)
}
