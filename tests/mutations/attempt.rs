//! Loading a file and running it, whatever it holds.

use convoke::graph::Dim;
use convoke::onnx::{Model, Options};
use convoke::testing::Random;
use convoke::{Backend, DType, Error, Limits, Session, Tensor};
use ndarray::ArrayD;

/// How far a file came.
#[derive(Clone, Copy)]
pub(crate) enum End {
    NotLoaded,
    NotRun,
    Ran,
}

/// What becomes of a file. Errors: what a session reports of it, which a file that is wrong may bring about.
pub(crate) fn attempt(bytes: &[u8], options: &Options, limits: &Limits, backend: &Backend) -> convoke::Result<End> {
    let model = match Model::from_bytes_with(bytes, options) {
        Ok(model) => model,
        Err(error @ Error::Internal(_)) => return Err(error),
        Err(_) => return Ok(End::NotLoaded),
    };
    let session = Session::builder()
        .backend(backend.clone())
        .limits(limits.clone())
        .build(model)?;
    run(&session)
}

/// Runs a session on inputs as it declares them.
pub(crate) fn run(session: &Session) -> convoke::Result<End> {
    let Some(inputs) = inputs(session) else {
        return Ok(End::NotRun);
    };
    session.run_tensors(&inputs.iter().map(Tensor::view).collect::<Vec<_>>())?;
    Ok(End::Ran)
}

/// Inputs as they are declared, open extents as 2; `None` where one is unknown or larger than a million elements.
fn inputs(session: &Session) -> Option<Vec<Tensor>> {
    let mut random = Random::new(9);
    let mut tensors = Vec::new();
    for info in session.inputs() {
        let extent = |dim: &Dim| match dim {
            Dim::Known(extent) => *extent,
            _ => 2,
        };
        let shape: Vec<usize> = info.dims?.iter().map(extent).collect();
        // One more in each axis, for those without elements.
        let elements = shape
            .iter()
            .try_fold(1_usize, |product, &extent| product.checked_mul(extent.saturating_add(1)))?;
        if elements > 1 << 20 {
            return None;
        }
        let values = random.integers(&shape);
        tensors.push(of_type(&values, info.dtype?));
    }
    Some(tensors)
}

fn of_type(values: &ArrayD<f32>, dtype: DType) -> Tensor {
    match dtype {
        DType::I64 => values.mapv(|x| x as i64).into(),
        DType::I32 => values.mapv(|x| x as i32).into(),
        DType::U8 => values.mapv(|x| x as u8).into(),
        DType::I8 => values.mapv(|x| x as i8).into(),
        DType::Bool => values.mapv(|x| x > 0.0).into(),
        _ => values.clone().into(),
    }
}
