//! The largest or the smallest elements along an axis, in their order.

use std::cmp::Ordering;

use ndarray::{ArrayD, Axis, IxDyn};

use super::answer::Answer;
use super::number::Number;
use crate::ops::TopK;

pub(super) fn top_k(op: TopK, input: &Answer) -> Vec<Answer> {
    let rank = input.shape().len() as isize;
    let axis = Axis(if op.axis < 0 { op.axis + rank } else { op.axis } as usize);
    let mut shape = input.shape().to_vec();
    shape[axis.0] = op.k;
    let [mut values, mut places] = [(); 2].map(|()| ArrayD::from_elem(IxDyn(&shape), Number::ZERO));
    let numbers = input.numbers();
    let outputs = values.lanes_mut(axis).into_iter().zip(places.lanes_mut(axis));
    for (lane, (mut values, mut places)) in numbers.lanes(axis).into_iter().zip(outputs) {
        let lane = lane.to_vec();
        let mut order: Vec<usize> = (0..lane.len()).collect();
        // A stable sort: of equal elements the first stays the first.
        order.sort_by(|&one, &other| match compared(lane[one].value, lane[other].value) {
            ordering if op.largest => ordering.reverse(),
            ordering => ordering,
        });
        // No element of a certain rank moves further than the element that moves most.
        let bound = lane.iter().map(|number| number.bound).fold(0.0, f64::max);
        for (index, &place) in order.iter().take(op.k).enumerate() {
            values[index] = Number::new(lane[place].value, bound);
            places[index] = Number::new(place as f64, furthest_rival(&lane, place));
        }
    }
    let values: Answer = values.into();
    vec![values, places.into()]
}

/// NaN is larger than all.
fn compared(one: f64, other: f64) -> Ordering {
    let as_numbers = one.partial_cmp(&other);
    as_numbers.unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

/// How far away the elements are that may be found in the place of this one.
fn furthest_rival(lane: &[Number], place: usize) -> f64 {
    let own = lane[place];
    let rivals = lane.iter().enumerate().filter(|(_, rival)| {
        let slack = own.bound + rival.bound;
        slack > 0.0 && (own.value - rival.value).abs() <= slack
    });
    rivals.map(|(rival, _)| rival.abs_diff(place) as f64).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let input = Answer::exact(array![[1.0_f32, 3.0, f32::NAN, 3.0, -0.0, 0.0]].view());
        for (op, values, places) in [
            (TopK::largest(3), [f64::NAN, 3.0, 3.0], [2.0, 1.0, 3.0]),
            (TopK::smallest(3), [0.0, 0.0, 1.0], [4.0, 5.0, 0.0]),
        ] {
            let outputs = top_k(op, &input);
            let got = outputs[0].values.iter().zip(&values);
            assert!(
                got.clone().all(|(got, want)| got == want || (got.is_nan() && want.is_nan())),
                "{got:?}"
            );
            assert_eq!(outputs[1].values.as_slice(), Some(&places[..]));
        }
    }
}
