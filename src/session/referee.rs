//! A referee for others: what somebody else's program made of each operator of a model, against the reference on *its* inputs.

mod causes;

use super::constants::constants;
use crate::cancel;
use crate::engine::Rounding;
use crate::error::{Error, Result};
use crate::onnx::{Alone, Judgeable, Model};
use crate::reference::{Answer, Mismatch, answers, compare};
use crate::tensor::Tensor;

/// What is said of one node of a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement {
    /// The node's name, or that of what it gives.
    pub node: String,
    /// ONNX's operator.
    pub operator: String,
    /// The output that is judged: the first that is wrong, if any is.
    pub output: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// Whether an operator was computed as it is defined.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Every element is within its bound.
    Right,
    /// Some element is not.
    Wrong {
        /// The worst element.
        mismatch: Mismatch,
        /// How many times as far as its bound allows that is; infinite where nothing is allowed.
        factor: f64,
        /// What explains all elements, or some, the likeliest first.
        causes: Vec<String>,
    },
    /// It was not judged, and why.
    NotJudged(String),
}

impl Model {
    /// Judges somebody else's run of this model: `find` gives the tensor of a name, as that run had it, where it is known. Each node is
    /// judged on the inputs that the other run had for it, so that an error is seen where it arises and not in all that follows; of
    /// those that are wrong the cause is looked for. Reals are compared within the bounds of `f32` arithmetic in any order of sums.
    ///
    /// `observer` sees each judgement as it is made: one takes as long as the reference does.
    ///
    /// Errors: what `find` gives.
    pub fn judge(
        &self,
        find: &dyn Fn(&str) -> Result<Option<Tensor>>,
        observer: &mut dyn FnMut(&Judgement),
    ) -> Result<Vec<Judgement>> {
        let judge = |index| {
            cancel::check()?;
            let judgement = judge_node(self, index, find)?;
            Ok(judgement.inspect(&mut *observer))
        };
        // Constants are not judged.
        (0..self.node_count()).map(judge).filter_map(Result::transpose).collect()
    }
}

fn judge_node(model: &Model, index: usize, find: &dyn Fn(&str) -> Result<Option<Tensor>>) -> Result<Option<Judgement>> {
    let (node, operator, outputs) = model.node_names(index);
    let named = |output: &str, verdict| {
        Ok(Some(Judgement {
            node: node.clone(),
            operator: operator.clone(),
            output: output.to_owned(),
            verdict,
        }))
    };
    let first = outputs.first().map_or("", String::as_str);
    let alone = match model.alone(index, find)? {
        Judgeable::Constant => return Ok(None),
        Judgeable::No(why) => return named(first, Verdict::NotJudged(why)),
        Judgeable::Yes(alone) => alone,
    };
    let mut got = Vec::new();
    for name in outputs.iter().filter(|name| !name.is_empty()) {
        got.push((name, find(name)?));
    }
    if got.iter().all(|(_, tensor)| tensor.is_none()) {
        return named(first, Verdict::NotJudged("its outputs were not given".to_owned()));
    }
    let wanted = match wanted(&alone) {
        Ok(wanted) => wanted,
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => return named(first, Verdict::NotJudged(error.to_string())),
    };
    for (place, ((name, got), want)) in got.iter().zip(&wanted).enumerate() {
        let Some(got) = got else { continue };
        let Err(mismatch) = compare(got, want) else { continue };
        let verdict = Verdict::Wrong {
            factor: factor(&mismatch),
            causes: causes::of(&alone, place, got, want)?,
            mismatch,
        };
        return named(name, verdict);
    }
    named(first, Verdict::Right)
}

/// What a node should give.
fn wanted(alone: &Alone) -> Result<Vec<Answer>> {
    let (graph, inputs) = alone.graph(constants)?;
    let views: Vec<_> = inputs.iter().map(Tensor::view).collect();
    answers(&graph, &views, Rounding::default())
}

/// How many times as far as its bound the worst element is.
fn factor(mismatch: &Mismatch) -> f64 {
    match mismatch {
        Mismatch::Values { got, want, bound, .. } if *bound > 0.0 => ((got - want) / bound).abs(),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use half::f16;

    use super::*;
    use crate::testing::Random;

    /// A run of LeNet-5, node by node by the reference, of which one node is as `change` makes it.
    fn run(model: &Model, change: &dyn Fn(usize, &Alone) -> Option<Tensor>) -> HashMap<String, Tensor> {
        let mut tensors = HashMap::from([("input".to_owned(), Random::new(1).reals(&[2, 1, 28, 28]).into())]);
        for index in 0..model.node_count() {
            let (_, _, outputs) = model.node_names(index);
            let find = |name: &str| Ok(tensors.get(name).cloned());
            let Judgeable::Yes(alone) = model.alone(index, &find).unwrap() else {
                continue;
            };
            let output = change(index, &alone).unwrap_or_else(|| answer(&alone));
            tensors.insert(outputs[0].clone(), output);
        }
        tensors
    }

    /// What comes of a node instead.
    type Change<'a> = &'a dyn Fn(&Alone) -> Tensor;

    fn answer(alone: &Alone) -> Tensor {
        wanted(alone).unwrap()[0].to_tensor().unwrap()
    }

    fn wrong(model: &Model, tensors: &HashMap<String, Tensor>) -> Vec<(usize, Vec<String>)> {
        let judgements = model.judge(&|name| Ok(tensors.get(name).cloned()), &mut |_| ()).unwrap();
        assert_eq!(judgements.len(), model.node_count());
        let wrong = judgements
            .into_iter()
            .enumerate()
            .filter_map(|(index, judgement)| match judgement.verdict {
                Verdict::Wrong { causes, .. } => Some((index, causes)),
                Verdict::Right => None,
                Verdict::NotJudged(why) => panic!("{}: {why}", judgement.node),
            });
        wrong.collect()
    }

    #[test]
    fn the_operator_that_is_wrong_is_named_with_its_cause_and_no_other_is() {
        let model = Model::open("models/lenet5.onnx").unwrap();
        assert!(wrong(&model, &run(&model, &|_, _| None)).is_empty());
        let place = |operator: &str| {
            let mut names = (0..model.node_count()).map(|index| model.node_names(index).1);
            names.position(|name| name == operator).unwrap()
        };
        let in_halves = |alone: &Alone| Tensor::from(answer(alone).to_f32().mapv(|x| f16::from_f32(x).to_f32()));
        let faults: [(&str, Change<'_>, &str); 4] = [
            ("Conv", &|alone| answer(&alone.without_inputs_from(2)), "bias"),
            (
                "Conv",
                &|alone| {
                    let mut weight = alone.input(1).unwrap().to_f32();
                    weight.swap_axes(2, 3);
                    answer(&alone.with_input(1, weight.into()))
                },
                "transposed",
            ),
            ("Gemm", &in_halves, "stored in 16 bits"),
            (
                "Gemm",
                &|alone| {
                    let mut input = alone.input(0).unwrap().to_f32();
                    input.slice_axis_mut(ndarray::Axis(1), (64..).into()).fill(0.0);
                    answer(&alone.with_input(0, input.into()))
                },
                "cut loop: the sums end after 64",
            ),
        ];
        for (operator, fault, cause) in faults {
            let at = place(operator);
            let tensors = run(&model, &|index, alone| (index == at).then(|| fault(alone)));
            let wrong = wrong(&model, &tensors);
            assert_eq!(wrong.len(), 1, "{cause}: {wrong:?}");
            assert_eq!(wrong[0].0, at, "{cause}");
            assert!(wrong[0].1.iter().any(|said| said.contains(cause)), "{cause}: {wrong:?}");
        }
    }

    #[test]
    fn what_is_not_given_is_not_judged() {
        let model = Model::open("models/lenet5.onnx").unwrap();
        let judgements = model.judge(&|_| Ok(None), &mut |_| ()).unwrap();
        let left = |judgement: &Judgement| matches!(judgement.verdict, Verdict::NotJudged(_));
        assert!(judgements.iter().all(left));
    }
}
