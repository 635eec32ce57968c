//! The place of the largest or the smallest element along an axis.

use ndarray::Axis;

use super::answer::Answer;
use super::number::Number;
use crate::ops::ArgReduce;

pub(super) fn arg_reduce(op: ArgReduce, input: &Answer) -> Answer {
    let rank = input.shape().len() as isize;
    let axis = Axis(if op.axis < 0 { op.axis + rank } else { op.axis } as usize);
    let numbers = input.numbers();
    let places = numbers.map_axis(axis, |lane| place_of_best(op, &lane.to_vec()));
    if op.keep_dims {
        places.insert_axis(axis).into()
    } else {
        places.into()
    }
}

fn place_of_best(op: ArgReduce, lane: &[Number]) -> Number {
    // NaN is the best; the smallest number is the largest of the negated.
    let worth = |number: &Number| match (number.value.is_nan(), op.largest) {
        (true, _) => f64::INFINITY,
        (false, true) => number.value,
        (false, false) => -number.value,
    };
    let is_better = |one: &Number, other: &Number| match (one.value.is_nan(), other.value.is_nan()) {
        (true, false) => true,
        (_, true) => false,
        (false, false) => worth(one) > worth(other),
    };
    let mut best = 0;
    for (place, number) in lane.iter().enumerate() {
        let is_equal = !is_better(&lane[best], number);
        if is_better(number, &lane[best]) || (op.last && is_equal) {
            best = place;
        }
    }
    // What may be as good as the best may be found in its place.
    let rivals = lane.iter().enumerate().filter(|&(_, number)| {
        let slack = number.bound + lane[best].bound;
        slack > 0.0 && worth(number) + slack >= worth(&lane[best])
    });
    let distance = rivals.map(|(place, _)| place.abs_diff(best) as f64).fold(0.0, f64::max);
    Number::new(best as f64, distance)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn by_hand() {
        let nan = f32::NAN;
        for (row, places) in [
            ([1.0_f32, 3.0, -2.0, 3.0], [1, 3, 2, 2]),
            ([0.0, -0.0, -0.0, 0.0], [0, 3, 0, 3]),
            ([2.0, nan, 5.0, nan], [1, 3, 1, 3]),
        ] {
            let input = Answer::exact(Array2::from(vec![row]).view());
            let ops = [
                ArgReduce::max(1),
                ArgReduce::max(1).last(true),
                ArgReduce::min(1),
                ArgReduce::min(-1).last(true),
            ];
            let got = ops.map(|op| arg_reduce(op, &input).values[[0]] as i32);
            assert_eq!(got, places, "{row:?}");
        }
    }
}
