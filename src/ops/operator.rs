//! What every operator says of itself, and the types that operators take.

use crate::dtype::DType;
use crate::error::{Error, Result};

/// What every operator says of itself. All that the rest of the library asks of [`Op`](super::Op) but its parameters follows from
/// it.
pub(crate) trait Operator {
    /// PyTorch's name of the operator, where it has one.
    fn name(&self) -> &'static str;

    /// The least and the largest number of inputs.
    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    /// How many outputs it has.
    fn output_count(&self) -> usize {
        1
    }

    /// Checks the inputs' shapes, which are as many as they may be, and gives the shape of each output.
    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>>;

    /// Checks the inputs' types and gives the type of each output.
    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let dtype = of_one_type(self.name(), inputs, "f32", is_f32)?;
        Ok(vec![dtype; self.output_count()])
    }
}

/// What operators compute with.
pub(super) fn is_f32(dtype: DType) -> bool {
    dtype == DType::F32
}

/// The type that all inputs have, where it is one of those that are accepted.
pub(super) fn of_one_type(operator: &'static str, inputs: &[DType], what: &str, accepts: impl Fn(DType) -> bool) -> Result<DType> {
    match inputs {
        [first, rest @ ..] if accepts(*first) && rest.iter().all(|dtype| dtype == first) => Ok(*first),
        _ => {
            let got: Vec<&str> = inputs.iter().map(|dtype| dtype.name()).collect();
            let one = if inputs.len() > 1 { " of one type" } else { "" };
            Err(Error::invalid(
                operator,
                format!("expected {what}{one}, but got {}", got.join(", ")),
            ))
        }
    }
}

/// The types of an operator that moves elements, whatever they are.
pub(super) fn moved(operator: &'static str, inputs: &[DType]) -> Result<Vec<DType>> {
    Ok(vec![of_one_type(operator, inputs, "tensors", |_| true)?])
}
