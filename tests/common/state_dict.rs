//! A ResNet-18 of few channels, from `state_dict`s that PyTorch's safetensors package wrote, against PyTorch's outputs.
//! `tools/make_state_dicts.py` makes the files.

#[path = "../../examples/resnet18/network.rs"]
mod network;

use convoke::weights::Weights;
use convoke::{Backend, Session};
use ndarray::ArrayD;

use crate::common::root;
use crate::device::Outcome;

/// The types of numbers in which the weights were saved.
pub(crate) const TYPES: [&str; 4] = ["f32", "f16", "bf16", "f64"];

fn open(name: &str) -> convoke::Result<Weights> {
    Weights::open(root::root().join(format!("tests/data/state_dict/{name}.safetensors")))
}

/// The largest difference, against the largest number that is wanted.
fn difference(got: &ArrayD<f32>, want: &ArrayD<f32>) -> f32 {
    assert_eq!(got.shape(), want.shape());
    let largest = want.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let apart = got.iter().zip(want).map(|(got, want)| (got - want).abs());
    apart.fold(0.0, f32::max) / largest
}

/// Weights saved as `name` load, agree with PyTorch, and every operator is within the reference's bounds.
pub(crate) fn agrees(backend: &Backend, name: &str) -> Outcome {
    let answers = open("answers")?;
    let image = answers.tensor("input")?;
    let weights = open(name)?;
    // It is there as a whole number, and in nobody's way.
    assert!(weights.tensor("bn1.num_batches_tracked").is_err());
    let model = network::resnet18([4, 6, 8, 10], 7);
    let session = Session::new(model.graph(&weights)?, backend)?;
    let output = session.run(&[image.view()])?.swap_remove(0);
    // PyTorch computes in float32, too: this says that it is the same network, the check below that it is right.
    let apart = difference(&output, answers.tensor(name)?);
    assert!(apart < 1e-5, "{apart:e} of the largest output from PyTorch's");
    for other in ["f16", "bf16"].into_iter().filter(|other| *other != name) {
        let apart = difference(&output, answers.tensor(other)?);
        assert!(apart > 5e-5, "{apart:e}: {name} cannot be told from {other}");
    }
    for check in session.verify(&[image.view()])? {
        if let Some(mismatch) = check.mismatch {
            return Err(format!("{} ({}): {mismatch}", check.node, check.operator).into());
        }
    }
    Ok(())
}
