//! How an operator's errors compare with what random rounding would give.

use ndarray::ArrayD;

use super::answer::Answer;
use crate::ops::Op;
use crate::tensor::{Tensor, TensorView};

/// How far independent, unbiased roundings go beyond what is expected of them, in standard deviations: once in a hundred million.
const LIMIT: f64 = 6.0;
/// Elements that are looked at to see how many kinds of numbers a tensor has.
const SAMPLE: usize = 1 << 16;

/// The errors of an operator's sums in units of the standard deviation that independent roundings would have at most.
///
/// What else the bound allows (a division, a function, storing 16 bits) is taken off each error first. Elements that have the same
/// answer count once, since they have the same error too.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Scores {
    /// How many different elements were looked at.
    pub elements: usize,
    /// The root mean square of all errors: 1 at most, if they are random, and usually less than a half.
    pub spread: f64,
    /// The sum of all errors, with their signs, in units of its own standard deviation: within 6, if they are random.
    pub offset: f64,
}

impl Scores {
    /// Whether random rounding would give such errors once in a hundred million only: something is systematically off, if within the
    /// bound.
    pub fn is_suspicious(&self) -> bool {
        // The root of a sum of n squares of standard deviation 1 exceeds the root of n by t with a probability of at most
        // exp(-t^2 / 2): it is Lipschitz.
        let most = 1.0 + LIMIT / (self.elements as f64).sqrt();
        self.spread > most || self.offset.abs() > LIMIT
    }

    /// Of what came of an operator's inputs, against one of [`run`](super::run)'s answers; nothing where its errors are not those of sums
    /// alone, or no element is finite.
    pub fn of(op: &Op, inputs: &[&Tensor], got: &Tensor, want: &Answer) -> Option<Self> {
        let (factors, chances) = (factors_of(op), want.chance.as_ref()?);
        if factors == 0 || got.shape() != want.shape() {
            return None;
        }
        let kinds: f64 = inputs.iter().take(factors).map(|factor| kinds_in(factor)).product();
        let got = floats(got)?;
        let mut errors: Vec<(u64, f64)> = Vec::new();
        let wanted = want.values.iter().zip(&want.bound).zip(chances);
        for (&got, ((&want, &bound), chance)) in got.iter().zip(wanted) {
            let deviation = chance.deviation_of_kinds(kinds);
            if !(got.is_finite() && deviation > 0.0) {
                continue;
            }
            let error = got - want;
            let rest = (error.abs() - (bound - chance.share).max(0.0)).max(0.0);
            errors.push((want.to_bits(), rest.copysign(error) / deviation));
        }
        Self::of_errors(errors)
    }

    /// Of errors in standard deviations, each with what names its element.
    fn of_errors(mut errors: Vec<(u64, f64)>) -> Option<Self> {
        errors.sort_by_key(|&(name, _)| name);
        let (mut elements, mut squares, mut sum) = (0, 0.0, 0.0);
        for same in errors.chunk_by(|(left, _), (right, _)| left == right) {
            let mean = |of: fn(f64) -> f64| same.iter().map(|&(_, error)| of(error)).sum::<f64>() / same.len() as f64;
            elements += 1;
            squares += mean(|error| error * error);
            sum += mean(|error| error);
        }
        (elements > 0).then(|| Self {
            elements,
            spread: (squares / elements as f64).sqrt(),
            offset: sum / (elements as f64).sqrt(),
        })
    }
}

/// How many of an operator's inputs make the terms of its sums, where its errors are those of sums; otherwise 0. Elements of running
/// sums and of recurrent layers have their errors from one another, and nothing is said of them.
fn factors_of(op: &Op) -> usize {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::MatMul(_) | Op::Fused(_) => 2,
        Op::Reduce(_) | Op::AvgPool(_) | Op::AdaptiveAvgPool(_) | Op::LpPool(_) => 1,
        _ => 0,
    }
}

/// How much of its bound the worst element takes up: 0 where all are exact, and infinite where one is not that has to be. What came or is
/// wanted as NaN or infinity is not measured.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn part_of_bound(got: &Tensor, want: &Answer) -> f64 {
    if got.shape() != want.shape() {
        return f64::INFINITY;
    }
    let got = Answer::exact(got).values;
    let parts = got
        .iter()
        .zip(want.values.iter().zip(&want.bound))
        .map(|(&got, (&want, &bound))| {
            let error = (got - want).abs();
            if error == 0.0 || !error.is_finite() {
                0.0
            } else {
                error / bound
            }
        });
    parts.fold(0.0, f64::max)
}

/// How many numbers there are in a tensor that differ in magnitude and are not 0, each by its share: one over the chance that two are
/// equal. 1 at least.
fn kinds_in(tensor: &Tensor) -> f64 {
    let Some(numbers) = floats(tensor) else { return 1.0 };
    let step = numbers.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<u64> = numbers
        .iter()
        .step_by(step)
        .filter(|&&number| number != 0.0)
        .map(|number| number.abs().to_bits())
        .collect();
    sample.sort_unstable();
    let count = sample.len() as f64;
    let pairs: f64 = sample
        .chunk_by(|left, right| left == right)
        .map(|same| (same.len() as f64).powi(2))
        .sum();
    if pairs > 0.0 { count * count / pairs } else { 1.0 }
}

/// The elements of a tensor of floats.
fn floats(tensor: &Tensor) -> Option<ArrayD<f64>> {
    match tensor.view() {
        TensorView::F32(array) => Some(array.mapv(f64::from)),
        TensorView::F16(array) => Some(array.mapv(f64::from)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn scores(errors: impl IntoIterator<Item = f64>) -> Scores {
        Scores::of_errors((0..).zip(errors).collect()).unwrap()
    }

    #[test]
    fn random_errors_are_not_suspicious_and_those_that_lean_or_are_large_are() {
        let mut random = Random::new(5);
        // With a standard deviation of 1: the most that there may be.
        let errors: Vec<f64> = random.reals(&[10_000]).iter().map(|&x| f64::from(x)).collect();
        let honest = scores(errors.clone());
        assert!(!honest.is_suspicious(), "{honest:?}");
        assert!((honest.spread - 1.0).abs() < 0.05, "{honest:?}");
        assert!(
            scores(errors.iter().map(|error| error + 0.1)).is_suspicious(),
            "an offset of a tenth"
        );
        assert!(
            scores(errors.iter().map(|error| error * 1.2)).is_suspicious(),
            "a fifth too large"
        );
        assert!(!scores([5.0]).is_suspicious() && scores([7.1]).is_suspicious());
    }

    #[test]
    fn the_same_element_counts_once() {
        let same = Scores::of_errors(vec![(7, 1.5); 1000]).unwrap();
        assert_eq!(same.elements, 1);
        assert!(!same.is_suspicious(), "{same:?}");
    }

    #[test]
    fn kinds_are_counted_by_their_share() {
        let kinds = |numbers: Vec<f32>| kinds_in(&ndarray::Array1::from(numbers).into_dyn().into());
        assert!((kinds(vec![1.0, -1.0, 0.0, 0.0]) - 1.0).abs() < 1e-9);
        assert!((kinds(vec![1.0, 2.0, 3.0, 4.0]) - 4.0).abs() < 1e-9);
        assert!((kinds(vec![1.0, 1.0, 1.0, 2.0]) - 1.6).abs() < 1e-9);
        assert!((kinds(Vec::new()) - 1.0).abs() < 1e-9);
    }
}
