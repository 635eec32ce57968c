//! PyTorch's golden answers and the notebook.

use convoke::ops::Op;
use convoke::testing::{compare, compare_exact};
use convoke::{Error, Gpu, Tensor, gpu::Conv2dAlgorithm};
use ndarray::ArrayD;

use crate::common::record::record;
use crate::common::{Case, golden_cases, notebook};
use crate::device::Device;
use crate::device::floats;
use crate::{Named, Outcome, trial};

#[expect(clippy::expect_used, reason = "the notebook's helper takes a function that cannot fail")]
pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = golden_cases()
        .into_iter()
        .map(|case| {
            trial(format!("golden/{}", case.name), move |gpu| {
                check(gpu, "golden/gpu", &case).map_err(|error| error.to_string().into())
            })
        })
        .collect();
    trials.extend(Conv2dAlgorithm::ALL.map(|algorithm| {
        trial(format!("golden/conv2d/forced/{algorithm:?}"), move |gpu| {
            forced(gpu, algorithm)
        })
    }));
    trials.push(trial("golden/notebook", |gpu| {
        notebook::notebook(&|op, inputs| floats(&run(gpu, op, inputs).expect("a legal call")));
        Ok(())
    }));
    trials
}

/// Uploads, runs and reads back.
pub(crate) fn run(gpu: &Gpu, op: &Op, inputs: &[&ArrayD<f32>]) -> convoke::Result<Vec<Tensor>> {
    let inputs = inputs
        .iter()
        .map(|input| gpu.upload(input))
        .collect::<convoke::Result<Vec<_>>>()?;
    let outputs = gpu.run(op, &inputs.iter().collect::<Vec<_>>())?;
    outputs.iter().map(convoke::gpu::Tensor::read_any).collect()
}

/// Every case.
#[cfg(feature = "wrong-kernel")]
pub(crate) fn all(gpu: &Gpu) -> Outcome {
    for case in golden_cases() {
        check(gpu, "golden/gpu/all", &case).map_err(|error| format!("{}: {error}", case.name))?;
    }
    Ok(())
}

/// Exact cases have PyTorch's bits, but by large tiles; the others are within the bound of the reference's float64 values.
fn check(gpu: &Gpu, suite: &str, case: &Case) -> Result<(), Box<dyn std::error::Error>> {
    let outputs = run(gpu, &case.op, &case.inputs.iter().collect::<Vec<_>>())?;
    record(suite, &case.name, || floats(&outputs))?;
    let answers = gpu.answers(&case.op, &case.inputs)?;
    assert_eq!(outputs.len(), case.expected.len());
    for ((output, expected), answer) in outputs.iter().zip(&case.expected).zip(&answers) {
        if case.exact && gpu.holds(answer) {
            compare_exact(&output.to_f32(), expected)?;
        }
        compare(output, answer)?;
    }
    Ok(())
}

/// Every convolution that the algorithm can compute; what it cannot, it must refuse.
fn forced(gpu: &Gpu, algorithm: Conv2dAlgorithm) -> Outcome {
    let gpu = gpu.with_conv2d(algorithm);
    let mut checked = 0;
    for case in golden_cases() {
        if !matches!(case.op, Op::Conv(_)) {
            continue;
        }
        match check(&gpu, &format!("golden/gpu/{algorithm:?}"), &case) {
            Ok(()) => checked += 1,
            Err(error) if matches!(error.downcast_ref(), Some(Error::Unsupported { .. })) => {}
            Err(error) => return Err(format!("{}: {error}", case.name).into()),
        }
    }
    let least = match algorithm {
        Conv2dAlgorithm::Direct | Conv2dAlgorithm::Tiled | Conv2dAlgorithm::Im2col => 137,
        // Adapters without subgroups of eight refuse all.
        Conv2dAlgorithm::DirectBroadcast => {
            if gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8 {
                137
            } else {
                0
            }
        }
        Conv2dAlgorithm::Depthwise => 20,
        Conv2dAlgorithm::Gemm | Conv2dAlgorithm::GemmTiled | Conv2dAlgorithm::Winograd | Conv2dAlgorithm::WinogradLarge => 2,
        Conv2dAlgorithm::GemmBroadcast => {
            if gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8 {
                2
            } else {
                0
            }
        }
        other => return Err(format!("{other:?} has no expected count").into()),
    };
    if checked < least {
        return Err(format!("only {checked} cases were computed, not {least}").into());
    }
    Ok(())
}
