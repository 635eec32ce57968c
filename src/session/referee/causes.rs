//! Why an operator may be wrong: each likely mistake is made on purpose, and the one whose answer is what came is the cause.

use half::f16;

use super::wanted;
use crate::error::{Error, Result};
use crate::onnx::Alone;
use crate::reference::{Answer, compare};
use crate::tensor::Tensor;

/// What a program may have done instead, with what is then computed.
type Mistake = (String, Alone);

/// What explains what came in place of what was wanted at this output: a mistake that gives all of it, or what is special about the
/// elements that differ.
pub(super) fn of(alone: &Alone, place: usize, got: &Tensor, want: &Answer) -> Result<Vec<String>> {
    let mut causes = special(got, want);
    for (what, mistaken) in mistakes(alone) {
        match wanted(&mistaken) {
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            // A mistake that cannot be made is none.
            Err(_) => {}
            Ok(answers) => {
                if answers.get(place).is_some_and(|answer| compare(got, answer).is_ok()) {
                    causes.push(what);
                }
            }
        }
    }
    Ok(causes)
}

/// What single elements tell: numbers too large for 16 bits, infinities and NaN that are gone, and the steps of 16 bits.
fn special(got: &Tensor, want: &Answer) -> Vec<String> {
    let Tensor::F32(got) = got else { return Vec::new() };
    if got.shape() != want.shape() {
        return Vec::new();
    }
    let largest = f64::from(f16::MAX);
    let mut causes = Vec::new();
    let pairs = || got.iter().zip(&want.values).map(|(&got, &want)| (f64::from(got), want));
    let count = |is_so: &dyn Fn(f64, f64) -> bool| pairs().filter(|&(got, want)| is_so(got, want)).count();
    let mut note = |count: usize, what: &str| {
        if count > 0 {
            causes.push(format!("{what} ({count} elements)"));
        }
    };
    note(
        count(&|got, want| want.is_finite() && want.abs() > largest && (got.is_infinite() || got.is_nan() || got.abs() == largest)),
        "an overflow of 16-bit floats: what is wanted is past 65504",
    );
    note(
        count(&|got, want| want.is_infinite() && got.is_finite()),
        "an infinity became a finite number, as where -inf is written as the lowest float",
    );
    note(
        count(&|got, want| want.is_nan() && !got.is_nan()),
        "NaN was dropped, as by a maximum that compares with `>`",
    );
    note(
        count(&|got, want| got.is_nan() && want.is_finite() && want.abs() <= largest),
        "NaN where a number is wanted",
    );
    let is_half = |got: f64| f64::from(f16::from_f64(got)) == got;
    if pairs().all(|(got, want)| is_half(got) && (got - want).abs() <= want.abs() / 1024.0 + 6e-8) {
        causes.push("every element is a 16-bit float near what is wanted: it is stored in 16 bits".to_owned());
    }
    causes
}

fn mistakes(alone: &Alone) -> Vec<Mistake> {
    let mut mistakes = attributes(alone);
    match alone.operator().as_str() {
        "Resize" | "Upsample" => mistakes.extend(resampling(alone)),
        "Conv" | "ConvTranspose" => mistakes.extend(convolution(alone)),
        "Gemm" | "MatMul" => mistakes.extend(product(alone)),
        _ => {}
    }
    mistakes.extend(cut(alone));
    mistakes
}

/// Attributes of windows with their halves or axes changed round.
fn attributes(alone: &Alone) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if let Some(pads) = alone.ints("pads") {
        let (before, after) = pads.split_at(pads.len() / 2);
        mistakes.push((
            "padding on the other side: what is to stand before each axis stands after it".to_owned(),
            alone.with_ints("pads", [after, before].concat()),
        ));
        let turned = [before, after].map(|side| side.iter().rev().copied().collect::<Vec<_>>());
        mistakes.push((
            "padding of height and width in each other's place".to_owned(),
            alone.with_ints("pads", turned.concat()),
        ));
        mistakes.push(("no padding".to_owned(), alone.with_ints("pads", vec![0; pads.len()])));
    }
    match alone.text("auto_pad") {
        Some("SAME_UPPER") => mistakes.push((
            "padding on the other side: SAME_LOWER instead of SAME_UPPER".to_owned(),
            alone.with_text("auto_pad", "SAME_LOWER"),
        )),
        Some("SAME_LOWER") => mistakes.push((
            "padding on the other side: SAME_UPPER instead of SAME_LOWER".to_owned(),
            alone.with_text("auto_pad", "SAME_UPPER"),
        )),
        _ => {}
    }
    for (name, what) in [("strides", "strides"), ("dilations", "dilations")] {
        if let Some(ints) = alone.ints(name).filter(|ints| ints.len() > 1) {
            let turned = ints.iter().rev().copied().collect();
            mistakes.push((format!("{what} of the axes swapped"), alone.with_ints(name, turned)));
        }
    }
    if let Some(order) = alone.ints("perm") {
        let mut inverse = vec![0; order.len()];
        for (place, &axis) in order.iter().enumerate() {
            if let Some(slot) = usize::try_from(axis).ok().and_then(|axis| inverse.get_mut(axis)) {
                *slot = place as i64;
            }
        }
        mistakes.push(("the inverse order of axes".to_owned(), alone.with_ints("perm", inverse)));
    }
    mistakes
}

/// Where a pixel's place is counted from.
fn resampling(alone: &Alone) -> Vec<Mistake> {
    const MODES: [&str; 4] = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"];
    const NEAREST: [&str; 4] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
    let own = alone.text("coordinate_transformation_mode").unwrap_or("half_pixel");
    let mut mistakes = Vec::new();
    for mode in MODES.into_iter().filter(|&mode| mode != own) {
        let other = alone.with_text("coordinate_transformation_mode", mode);
        let what = format!("pixels are placed as in {mode} instead of {own}");
        if alone.text("mode").unwrap_or("nearest") == "nearest" {
            let rounded = NEAREST.map(|nearest| (what.clone(), other.with_text("nearest_mode", nearest)));
            mistakes.extend(rounded);
        }
        mistakes.push((what, other));
    }
    if alone.text("mode").unwrap_or("nearest") == "nearest" {
        let own = alone.text("nearest_mode").unwrap_or("round_prefer_floor");
        let others = NEAREST.into_iter().filter(|&mode| mode != own);
        mistakes.extend(others.map(|mode| {
            let what = format!("places between pixels are rounded by {mode} instead of {own}");
            (what, alone.with_text("nearest_mode", mode))
        }));
    }
    mistakes
}

fn convolution(alone: &Alone) -> Vec<Mistake> {
    let mut mistakes = without_bias(alone);
    let Some(Tensor::F32(weight)) = alone.input(1) else {
        return mistakes;
    };
    let axes = weight.ndim();
    if axes >= 4 {
        let mut turned = weight.clone();
        turned.swap_axes(axes - 2, axes - 1);
        mistakes.push((
            "the kernel's height and width transposed".to_owned(),
            alone.with_input(1, turned.into()),
        ));
    }
    if weight.shape().first() == weight.shape().get(1) {
        let mut turned = weight.clone();
        turned.swap_axes(0, 1);
        mistakes.push((
            "the weights' input and output channels transposed".to_owned(),
            alone.with_input(1, turned.into()),
        ));
    }
    let mut mirrored = weight.clone();
    for axis in 2..axes {
        mirrored.invert_axis(ndarray::Axis(axis));
    }
    mistakes.push((
        "the kernel mirrored: a convolution, not a correlation".to_owned(),
        alone.with_input(1, mirrored.into()),
    ));
    mistakes.extend(groups(alone));
    mistakes
}

/// Groups that read other channels than theirs.
fn groups(alone: &Alone) -> Vec<Mistake> {
    let (Some(Tensor::F32(image)), Some(count)) = (alone.input(0), alone.int("group").filter(|&count| count > 1)) else {
        return Vec::new();
    };
    let (count, channels) = (count as usize, image.shape().get(1).copied().unwrap_or(0));
    if channels == 0 || channels % count != 0 {
        return Vec::new();
    }
    let own = channels / count;
    let reading = |channel: &dyn Fn(usize) -> usize| {
        let order: Vec<usize> = (0..channels).map(channel).collect();
        alone.with_input(0, image.select(ndarray::Axis(1), &order).into())
    };
    vec![
        (
            "wrong group: all groups read the channels of the first".to_owned(),
            reading(&|channel| channel % own),
        ),
        (
            "wrong group: the channels of a group lie apart instead of beside one another".to_owned(),
            reading(&|channel| channel % own * count + channel / own),
        ),
        (
            "wrong group: each group reads the channels of the next".to_owned(),
            reading(&|channel| (channel + own) % channels),
        ),
        (
            "wrong group: each group reads the channels of the one before".to_owned(),
            reading(&|channel| (channel + channels - own) % channels),
        ),
    ]
}

fn without_bias(alone: &Alone) -> Vec<Mistake> {
    let bias = alone
        .input(2)
        .map(|_| ("the bias is missing".to_owned(), alone.without_inputs_from(2)));
    bias.into_iter().collect()
}

fn product(alone: &Alone) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if alone.operator() == "Gemm" {
        mistakes.extend(without_bias(alone));
    }
    for (place, what) in [(1, "the weights"), (0, "the left matrix")] {
        let Some(Tensor::F32(matrix)) = alone.input(place) else {
            continue;
        };
        let axes = matrix.ndim();
        if axes < 2 {
            continue;
        }
        let mut turned = matrix.clone();
        turned.swap_axes(axes - 2, axes - 1);
        mistakes.push((
            format!("{what} transposed"),
            alone.with_input(place, turned.as_standard_layout().to_shared().into()),
        ));
        // Read in another order than they lie in.
        let (rows, columns) = (matrix.shape()[axes - 2], matrix.shape()[axes - 1]);
        let mut shape = matrix.shape().to_vec();
        shape.swap(axes - 2, axes - 1);
        if rows != columns
            && let Ok(mut read) = matrix.as_standard_layout().to_shared().into_shape_with_order(shape)
        {
            read.swap_axes(axes - 2, axes - 1);
            let read = read.as_standard_layout().to_shared();
            mistakes.push((format!("{what} read as if transposed"), alone.with_input(place, read.into())));
        }
    }
    mistakes
}

/// Sums that end before their last terms: what is past that is 0.
fn cut(alone: &Alone) -> Vec<Mistake> {
    let axis = match alone.operator().as_str() {
        "Conv" => 1,
        "MatMul" | "Gemm" if alone.int("transA").unwrap_or(0) == 0 => match alone.input(0) {
            Some(left) if left.shape().len() > 1 => left.shape().len() - 1,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let Some(Tensor::F32(input)) = alone.input(0) else {
        return Vec::new();
    };
    let Some(&terms) = input.shape().get(axis) else {
        return Vec::new();
    };
    let mut ends: Vec<usize> = (0..usize::BITS).map(|bit| 1 << bit).collect();
    ends.extend([
        terms.saturating_sub(1),
        terms / 2,
        terms / 4 * 4,
        terms / 8 * 8,
        terms / 16 * 16,
        terms * 3 / 4,
    ]);
    ends.sort_unstable();
    ends.dedup();
    let ends = ends.into_iter().filter(|&end| 0 < end && end < terms);
    ends.rev()
        .map(|end| {
            let mut rest = input.clone();
            rest.slice_axis_mut(ndarray::Axis(axis), (end..).into()).fill(0.0);
            (
                format!("a cut loop: the sums end after {end} of {terms}"),
                alone.with_input(0, rest.into()),
            )
        })
        .collect()
}
