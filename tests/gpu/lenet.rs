//! LeNet-5 on the digits it was not trained on: the GPU against the labels, the reference and PyTorch.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a broken fixture ends the trial")]

use std::sync::OnceLock;

use convoke::graph::Graph;
use convoke::reference::Answer;
use convoke::testing::compare;
use convoke::weights::Weights;
use convoke::{Backend, Gpu, Session};
use convoke_digits::{TestSet, classes, lenet5};
use ndarray::{ArrayD, Axis};

use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("lenet/accuracy", accuracy),
        trial("lenet/within_the_bound_and_same_class_as_the_reference", like_the_reference),
        trial("lenet/pytorch_is_within_the_bound_and_of_the_same_class", like_pytorch),
        trial("lenet/one_by_one_as_in_a_batch", one_by_one),
    ]
}

/// The model and its test set, with the reference's answer, which takes seconds.
struct Fixture {
    graph: Graph,
    test_set: TestSet,
    answer: Answer,
}

impl Fixture {
    fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| {
            let weights = Weights::open("models/lenet5.safetensors").unwrap();
            let graph = lenet5().graph(&weights).unwrap();
            let test_set = TestSet::open("models/digits.safetensors").unwrap();
            let session = Session::new(graph.clone(), &Backend::Reference).unwrap();
            let answer = session.answers(&[test_set.images.view().into_dyn()]).unwrap().swap_remove(0);
            Self { graph, test_set, answer }
        })
    }

    fn session(&self, gpu: &Gpu) -> convoke::Result<Session> {
        Session::new(self.graph.clone(), &gpu.clone().into())
    }

    /// The logits of all images in one batch.
    fn logits(&self, gpu: &Gpu) -> convoke::Result<ArrayD<f32>> {
        let images = self.test_set.images.view().into_dyn();
        Ok(self.session(gpu)?.run(&[images])?.swap_remove(0))
    }
}

fn accuracy(gpu: &Gpu) -> Outcome {
    let fixture = Fixture::get();
    let labels = &fixture.test_set.labels;
    assert_eq!(labels.len(), 360);
    let read = classes(&fixture.logits(gpu)?);
    let right = read
        .iter()
        .zip(labels)
        .filter(|&(&read, &label)| read == usize::from(label))
        .count();
    assert!(right * 100 >= labels.len() * 98, "{right} of {} are right", labels.len());
    Ok(())
}

fn like_the_reference(gpu: &Gpu) -> Outcome {
    let fixture = Fixture::get();
    let logits = fixture.logits(gpu)?;
    compare(&logits, &fixture.answer)?;
    assert_eq!(classes(&logits), classes(&fixture.answer.to_f32()));
    Ok(())
}

/// PyTorch's logits and the GPU's are both within the bound of the same exact values.
fn like_pytorch(gpu: &Gpu) -> Outcome {
    let fixture = Fixture::get();
    let pytorch = fixture.test_set.logits.as_ref().expect("PyTorch's logits");
    compare(pytorch, &fixture.answer)?;
    let logits = fixture.logits(gpu)?;
    compare(&logits, &fixture.answer)?;
    assert_eq!(classes(&logits), classes(pytorch));
    Ok(())
}

fn one_by_one(gpu: &Gpu) -> Outcome {
    let fixture = Fixture::get();
    let session = fixture.session(gpu)?;
    let images = fixture.test_set.images.axis_chunks_iter(Axis(0), 1);
    let alone: Vec<usize> = images
        .map(|image| Ok(classes(&session.run(&[image.into_dyn()])?[0])[0]))
        .collect::<convoke::Result<_>>()?;
    assert_eq!(alone, classes(&fixture.logits(gpu)?));
    Ok(())
}
