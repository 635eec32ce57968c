//! How an operator's errors compare with what random rounding would give.

use std::collections::BTreeMap;

use ndarray::ArrayD;

use super::answer::Answer;
use crate::ops::{FusedBase, Op};
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
    /// The sum over all channels (rows of weights) of their mean errors, with their signs, in units of the standard deviation that it has
    /// if the errors of a channel are one: within 6, if they are random. Without channels, each element is one.
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
        let channel = channels_of(op, got.shape());
        let got = floats(got)?;
        let mut errors: Vec<Deviation> = Vec::new();
        let wanted = want.values.iter().zip(&want.bound).zip(chances);
        for (index, (&got, ((&want, &bound), chance))) in got.iter().zip(wanted).enumerate() {
            let deviation = chance.deviation_of_kinds(kinds);
            if !(got.is_finite() && deviation > 0.0) {
                continue;
            }
            let error = got - want;
            let rest = (error.abs() - (bound - chance.share).max(0.0)).max(0.0);
            errors.push(Deviation {
                name: want.to_bits(),
                channel: channel(index),
                error: rest.copysign(error) / deviation,
            });
        }
        Self::of_errors(errors)
    }

    fn of_errors(mut errors: Vec<Deviation>) -> Option<Self> {
        errors.sort_by_key(|deviation| deviation.name);
        let (mut elements, mut squares) = (0, 0.0);
        let mut of_channels: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for same in errors.chunk_by(|left, right| left.name == right.name) {
            let mean = |of: fn(f64) -> f64| same.iter().map(|deviation| of(deviation.error)).sum::<f64>() / same.len() as f64;
            elements += 1;
            squares += mean(|error| error * error);
            let (sum, count) = of_channels.entry(same[0].channel).or_default();
            *sum += mean(|error| error);
            *count += 1.0;
        }
        let sum: f64 = of_channels.values().map(|(sum, count)| sum / count).sum();
        (elements > 0).then(|| Self {
            elements,
            spread: (squares / elements as f64).sqrt(),
            offset: sum / (of_channels.len() as f64).sqrt(),
        })
    }
}

/// The error of an element in standard deviations.
struct Deviation {
    /// What elements have in common that count once.
    name: u64,
    channel: usize,
    error: f64,
}

/// The channel of each element of an output of this shape. What is less than half a unit in the last place of the sums that it is added to
/// (a small bias, the products of a small weight) is lost in all of a channel's sums, so that their errors lean the same way.
fn channels_of(op: &Op, shape: &[usize]) -> impl Fn(usize) -> usize + use<> {
    let axis = match op {
        Op::Conv(_) | Op::ConvTranspose(_) => Some(1),
        Op::Fused(fused) if !matches!(fused.base, FusedBase::Linear(_)) => Some(1),
        Op::Linear(_) | Op::MatMul(_) | Op::Fused(_) => shape.len().checked_sub(1),
        _ => None,
    };
    let (extent, inner) = match axis.filter(|&axis| axis < shape.len()) {
        Some(axis) => (shape[axis].max(1), shape[axis + 1..].iter().product::<usize>().max(1)),
        None => (usize::MAX, 1),
    };
    move |index| index / inner % extent
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
    use crate::ops::{AvgPool, Conv, Linear};
    use crate::testing::Random;

    fn scores(errors: impl IntoIterator<Item = f64>) -> Scores {
        of_channels(usize::MAX, errors)
    }

    /// Of errors of so many channels by turns.
    fn of_channels(channels: usize, errors: impl IntoIterator<Item = f64>) -> Scores {
        let errors = errors.into_iter().enumerate().map(|(index, error)| Deviation {
            name: index as u64,
            channel: index % channels,
            error,
        });
        Scores::of_errors(errors.collect()).unwrap()
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
    fn channels_may_lean_by_themselves_but_not_together() {
        // A bias that is lost in each sum: a quarter of a deviation, one way or the other.
        let signs: Vec<f64> = Random::new(6).reals(&[96]).iter().map(|&x| f64::from(x).signum()).collect();
        let lost = |index: usize| 0.25 * signs[index % 96];
        let apart = of_channels(96, (0..500_000).map(lost));
        assert!(!apart.is_suspicious(), "{apart:?}");
        let together = of_channels(96, (0..500_000).map(|index| lost(index) + 0.8));
        assert!(together.is_suspicious(), "{together:?}");
    }

    #[test]
    fn channels_are_those_of_rows_of_weights() {
        let of_conv = channels_of(&Conv::new().into(), &[2, 3, 4, 5]);
        assert_eq!([0, 19, 20, 59, 60].map(of_conv), [0, 0, 1, 2, 0]);
        let of_linear = channels_of(&Linear.into(), &[2, 3]);
        assert_eq!([0, 2, 3, 5].map(of_linear), [0, 2, 0, 2]);
        assert_eq!(channels_of(&AvgPool::new(2).into(), &[1, 3, 4, 5])(59), 59);
    }

    #[test]
    fn the_same_element_counts_once() {
        let same = |channel| Deviation {
            name: 7,
            channel,
            error: 1.5,
        };
        let same = Scores::of_errors((0..1000).map(same).collect()).unwrap();
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
