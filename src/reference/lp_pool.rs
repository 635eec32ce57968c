//! Pooling by the p-norm, by its definition.

use ndarray::Array5;

use super::answer::Answer;
use super::number::{Number, SMALLEST, Sum, ULP, UNIT_ROUNDOFF, depth_of_elements};
use super::pool::{shape, windows_of};
use super::volume::{axes, finish, taps, volume};
use crate::error::Result;
use crate::ops::LpPool;

pub(super) fn lp_pool(op: &LpPool, input: &Answer) -> Result<Answer> {
    let windows = windows_of(input, [op.kernel_size, op.stride, op.dilation], op.padding, op.ceil_mode)?;
    let spatial = axes(input);
    let input = volume(input)?;
    let (batch, channels, ..) = input.dim();
    let output = Array5::from_shape_fn(shape(batch, channels, &windows), |(n, c, z, y, x)| {
        let window = [&windows[0][z], &windows[1][y], &windows[2][x]];
        let inside = taps(window.map(|taps| taps.inside.as_slice()));
        let elements: Vec<Number> = inside.map(|tap| input.at([n, c, tap[0], tap[1], tap[2]])).collect();
        norm(&elements, op.p)
    });
    Ok(finish(output, spatial))
}

/// `(sum |x|^p)^(1/p)`, with the largest element taken out so that no power leaves the range of `f64`.
fn norm(elements: &[Number], p: u32) -> Number {
    let absolute = |x: &Number| Number {
        value: x.value.abs(),
        ..*x
    };
    if p == 1 {
        let mut sum = Sum::default();
        for x in elements {
            sum.add(absolute(x));
        }
        return sum.total_of_elements();
    }
    if let Some(nan) = elements.iter().find(|x| x.value.is_nan()) {
        return *nan;
    }
    let largest = elements.iter().map(|x| x.value.abs()).fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        return Number::new(largest, of_values(elements.iter().map(|x| x.bound), p));
    }
    let value = of_values(elements.iter().map(|x| x.value.abs()), p);
    // It is a norm: it moves by the norm of what its elements move by at most (triangle inequality).
    let inherited = of_values(elements.iter().map(|x| x.bound), p);

    // With the largest element taken out, each term is a quotient (2.5 ULP) to the power p (an ULP for each product), so
    // the root of the sum has 3.5 ULP from them. The sum's own error is relative too, since its terms are not negative.
    let (count, p) = (elements.len() as f64, f64::from(p));
    let sum = 2.0 * (depth_of_elements(elements.len()) + 2.0) * UNIT_ROUNDOFF + (count + 2.0) * SMALLEST;
    // The root as exp2(log2(sum) / p): the sum is between 1 and count; log2 has 4 ULP near 1 and 3 ULP of itself; 2.5 and 1
    // for the quotient; exp2 has 3 + 2 |t| ULP. A square root has 4.5 ULP. Then the largest element is multiplied in.
    let exponent = count.log2() / p;
    let root = (4.0 / p + 3.0 * exponent + 3.5 * exponent) * ULP * std::f64::consts::LN_2 + (3.0 + 2.0 * exponent) * ULP;
    let relative = (3.5 * ULP + sum / p + root.max(4.5 * ULP) + ULP).exp_m1();
    Number::new(
        value,
        inherited + relative * (value + inherited) + SMALLEST * (2.0 + count.powf(1.0 / p)),
    )
}

fn of_values(values: impl Iterator<Item = f64> + Clone, p: u32) -> f64 {
    let largest = values.clone().fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    let p = f64::from(p);
    let sum: f64 = values.map(|x| (x / largest).powf(p)).sum();
    largest * sum.powf(1.0 / p)
}
