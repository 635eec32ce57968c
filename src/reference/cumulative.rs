//! Sums and products of each element with all before it.

use ndarray::{ArrayD, Axis};

use super::answer::Answer;
use super::number::{Number, SMALLEST, Sum, ULP};
use crate::dtype::DType;
use crate::ops::Cumulative;

pub(super) fn cumulative(op: Cumulative, input: &Answer) -> Answer {
    let rank = input.shape().len() as isize;
    let axis = Axis(if op.axis < 0 { op.axis + rank } else { op.axis } as usize);
    let mut output: ArrayD<Number> = input.numbers();
    for mut lane in output.lanes_mut(axis) {
        if op.reverse {
            lane.invert_axis(Axis(0));
        }
        let numbers = lane.to_vec();
        let totals = match (input.dtype.is_float(), op.product) {
            (false, _) => of_whole(op, input.dtype, &numbers),
            (true, false) => sums(&numbers),
            (true, true) => products(&numbers),
        };
        // There is one total more than there are elements: that of none comes first.
        let first = usize::from(!op.exclusive);
        for (element, total) in lane.iter_mut().zip(&totals[first..]) {
            *element = *total;
        }
    }
    output.into()
}

/// One element after another: a sum that has overflowed is infinite from there on.
fn sums(numbers: &[Number]) -> Vec<Number> {
    let mut sum = Sum::default();
    let sums = numbers.iter().map(|&number| {
        sum.add(number);
        let total = sum.total_in_a_row();
        let total = Number::overflowing(total.value, total.bound);
        if total.value.is_infinite() {
            sum = Sum::default();
            sum.add(total);
        }
        total
    });
    [Number::ZERO].into_iter().chain(sums).collect()
}

/// One factor after another: a product that has overflowed is infinite from there on.
fn products(numbers: &[Number]) -> Vec<Number> {
    let mut product = Number::exact(1.0);
    let products = numbers.iter().map(|&number| {
        let (size, other) = (product.value.abs(), number.value.abs());
        let value = product.value * number.value;
        let inherited = product.bound * other + size * number.bound + product.bound * number.bound;
        let bound = inherited + ULP * (value.abs() + inherited) + SMALLEST * (1.0 + size + other);
        product = Number::overflowing(value, bound);
        product
    });
    [Number::exact(1.0)].into_iter().chain(products).collect()
}

fn of_whole(op: Cumulative, dtype: DType, numbers: &[Number]) -> Vec<Number> {
    let mut total = i128::from(op.product);
    let mut is_sure = true;
    let totals = numbers.iter().map(|number| {
        let value = number.value as i128;
        total = if op.product {
            total.wrapping_mul(value)
        } else {
            total + value
        };
        is_sure &= number.bound == 0.0;
        let whole = Number::whole(dtype, total);
        let bound = if is_sure { whole.bound } else { f64::INFINITY };
        Number { bound, ..whole }
    });
    [Number::exact(f64::from(u8::from(op.product)))]
        .into_iter()
        .chain(totals)
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        for (op, want) in [
            (Cumulative::sum(0), [1, 3, 6, 10]),
            (Cumulative::sum(-1).exclusive(true), [0, 1, 3, 6]),
            (Cumulative::sum(0).reverse(true), [10, 9, 7, 4]),
            (Cumulative::product(0), [1, 2, 6, 24]),
            (Cumulative::product(0).exclusive(true).reverse(true), [24, 12, 4, 1]),
        ] {
            let (whole, reals) = (array![1_i32, 2, 3, 4], array![1.0_f32, 2.0, 3.0, 4.0]);
            for input in [Answer::exact(whole.view()), Answer::exact(reals.view())] {
                let got = cumulative(op, &input).values.mapv(|value| value as i32);
                assert_eq!(got.as_slice(), Some(&want[..]), "{op:?} of {}", input.dtype);
            }
        }
    }

    #[test]
    fn whole_numbers_wrap_around() {
        let input = Answer::exact(array![100_i8, 100, 100].view());
        let sums = cumulative(Cumulative::sum(0), &input);
        assert_eq!(sums.values.as_slice(), Some(&[100.0, -56.0, 44.0][..]));
    }
}
