//! Whether an array's axes stand as an input has them.

use convoke::onnx::{Dim, TensorInfo};
use convoke::{DType, Element, Tensor};
use ndarray::{ArrayD, Axis};

/// The tensor for an input, as [`fitted_array`] has it.
pub(super) fn fitted(tensor: Tensor, info: &TensorInfo) -> Result<Tensor, String> {
    match tensor.dtype() {
        DType::I64 => of_type::<i64>(tensor, info),
        DType::I32 => of_type::<i32>(tensor, info),
        DType::U8 => of_type::<u8>(tensor, info),
        DType::I8 => of_type::<i8>(tensor, info),
        DType::Bool => of_type::<bool>(tensor, info),
        DType::F16 => of_type::<half::f16>(tensor, info),
        _ => of_type::<f32>(tensor, info),
    }
}

fn of_type<T: Element>(tensor: Tensor, info: &TensorInfo) -> Result<Tensor, String> {
    let array = tensor.into_array::<T>().map_err(|error| error.to_string())?;
    fitted_array(array, info).map(Tensor::from)
}

/// The array for an input: a batch of one where it lacks that axis.
///
/// Errors: channels that stand last where the input has them first, or the other way round, with what to do. What else does not
/// fit is found with all other shapes.
fn fitted_array<T: Element>(array: ArrayD<T>, info: &TensorInfo) -> Result<ArrayD<T>, String> {
    let Some(dims) = info.dims.as_deref() else {
        return Ok(array);
    };
    let one = array.ndim() + 1 == dims.len();
    let given = array.shape().to_vec();
    let array = if one { array.insert_axis(Axis(0)) } else { array };
    if fits(array.shape(), dims) {
        return Ok(array);
    }
    if let [batch, a, b, c] = *array.shape() {
        for (moved, order, has, takes) in [
            ([batch, c, a, b], ["2, 0, 1", "0, 3, 1, 2"], "last", "first"),
            ([batch, b, c, a], ["1, 2, 0", "0, 2, 3, 1"], "first", "last"),
        ] {
            if fits(&moved, dims) {
                return Err(format!(
                    "an array {given:?} has its channels {has}, but input {info} takes them {takes}: in NumPy, \
                     array.transpose({})",
                    order[usize::from(!one)]
                ));
            }
        }
    }
    // As it came, so that the refusal shows what came.
    Ok(if one { array.index_axis_move(Axis(0), 0) } else { array })
}

fn fits(shape: &[usize], dims: &[Dim]) -> bool {
    let fit = |(extent, dim): (&usize, &Dim)| match dim {
        Dim::Known(wanted) => wanted == extent,
        _ => true,
    };
    shape.len() == dims.len() && shape.iter().zip(dims).all(fit)
}
