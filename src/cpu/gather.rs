//! Parts along an axis, by indices.

use ndarray::{ArrayD, ArrayViewD};

use crate::error::{Error, Result};
use crate::ops::Gather;
use crate::tensor::{Element, TensorView};

const NAME: &str = "index_select";

pub(super) fn gather<T: Element>(
    op: Gather,
    data: &ArrayViewD<'_, T>,
    indices: &TensorView<'_>,
    shape: &[usize],
) -> Result<ArrayD<T>> {
    let [outer, extent, inner] = op.extents(data.shape())?;
    let places: Vec<usize> = match indices {
        TensorView::I64(indices) => {
            let places = indices.iter().map(|&index| place(NAME, index, extent));
            places.collect::<Result<_>>()?
        }
        TensorView::I32(indices) => {
            let places = indices.iter().map(|&index| place(NAME, index.into(), extent));
            places.collect::<Result<_>>()?
        }
        other => return Err(Error::Internal(format!("indices of {}", other.dtype()))),
    };
    let all = data
        .as_slice()
        .ok_or_else(|| Error::Internal("data in another order".to_owned()))?;
    let mut output = Vec::with_capacity(outer * places.len() * inner);
    for whole in 0..outer {
        for place in &places {
            output.extend_from_slice(&all[(whole * extent + place) * inner..][..inner]);
        }
    }
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("{NAME} to {shape:?}: {error}"));
    ArrayD::from_shape_vec(shape, output).map_err(misshapen)
}

/// The part that an index names among so many.
pub(super) fn place(operator: &'static str, index: i64, extent: usize) -> Result<usize> {
    let counted = if index < 0 {
        index.saturating_add_unsigned(extent as u64)
    } else {
        index
    };
    let place = usize::try_from(counted).ok().filter(|&place| place < extent);
    place.ok_or_else(|| {
        let message = format!("expected indices from -{extent} to before {extent}, but got {index}");
        Error::invalid(operator, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_indices_count_from_the_end() {
        assert_eq!([-3, -1, 0, 2].map(|index| place(NAME, index, 3).unwrap()), [0, 2, 0, 2]);
        for index in [3, -4, i64::MIN, i64::MAX] {
            let message = place(NAME, index, 3).unwrap_err().to_string();
            assert!(
                message.contains(&format!("from -3 to before 3, but got {index}")),
                "{message}"
            );
        }
    }
}
