//! Windows of signals, and the matrix from frequencies to the mel scale.

use std::f64::consts::TAU;

use ndarray::{Array1, Array2};

use super::known::{charge, host};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::element;
use crate::tensor::Tensor;

/// Constants of a sum of cosines of one and two turns a window.
type Cosines = [f64; 3];

const HANN: Cosines = [0.5, -0.5, 0.0];
const HAMMING: Cosines = [25.0 / 46.0, -21.0 / 46.0, 0.0];
const BLACKMAN: Cosines = [0.42, -0.5, 0.08];

pub(super) fn window(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let [mean, once, twice] = match node.operator() {
        "HannWindow" => HANN,
        "HammingWindow" => HAMMING,
        _ => BLACKMAN,
    };
    check_type(node)?;
    let size = count(node, 0)?;
    let is_periodic = node.flag("periodic", true)?;
    charge(node, &[size])?;
    // One that is not periodic ends as it begins. Of one number there is but the begin.
    let turn = if is_periodic { size } else { size.saturating_sub(1) }.max(1);
    let number = |place: usize| {
        let angle = TAU * place as f64 / turn as f64;
        (mean + once * angle.cos() + twice * (2.0 * angle).cos()) as f32
    };
    Ok(host((0..size).map(number).collect::<Array1<f32>>()))
}

/// Triangles over the frequencies of a transform, whose corners are evenly spaced on the mel scale.
pub(super) fn mel_weight_matrix(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    check_type(node)?;
    let (bands, length, rate) = (count(node, 0)?, count(node, 1)?, count(node, 2)?);
    let (lower, upper) = (hertz(node, 3)?, hertz(node, 4)?);
    if rate == 0 || !(0.0..=upper).contains(&lower) || !upper.is_finite() {
        return Err(Error::Onnx(format!(
            "bands from {lower} to {upper} Hz of {rate} samples a second"
        )));
    }
    let frequencies = length / 2 + 1;
    charge(node, &[frequencies, bands])?;
    let mel = |hertz: f64| 2595.0 * (hertz / 700.0).ln_1p() / std::f64::consts::LN_10;
    let step = (mel(upper) - mel(lower)) / (bands as f64 + 2.0);
    let corner = |place: usize| {
        let mel = mel(lower) + step * place as f64;
        let hertz = 700.0 * (mel / 2595.0 * std::f64::consts::LN_10).exp_m1();
        ((length as f64 + 1.0) * hertz / rate as f64).floor()
    };
    let weight = |(frequency, band): (usize, usize)| {
        let [left, peak, right] = [0, 1, 2].map(|place| corner(band + place));
        triangle(frequency as f64, left, peak, right) as f32
    };
    Ok(host(Array2::from_shape_fn((frequencies, bands), weight)))
}

/// 1 at the peak, 0 at the corners beside it and beyond them.
fn triangle(at: f64, left: f64, peak: f64, right: f64) -> f64 {
    if at == peak {
        1.0
    } else if at > left && at < peak {
        (at - left) / (peak - left)
    } else if at > peak && at < right {
        (right - at) / (right - peak)
    } else {
        0.0
    }
}

/// What comes out is real.
fn check_type(node: &Node<'_, '_>) -> Result<()> {
    let number = node.int("output_datatype", i64::from(element::FLOAT))?;
    match i32::try_from(number) {
        Ok(number) if element::is_real(number) => Ok(()),
        _ => Err(Error::unsupported("onnx", format!("an output_datatype of {number}"))),
    }
}

/// A number that is not negative.
fn count(node: &Node<'_, '_>, index: usize) -> Result<usize> {
    match node.host_ints(index)?[..] {
        [number] if number >= 0 => Ok(number as usize),
        ref other => Err(Error::Onnx(format!(
            "input {index} must be one number that is not negative, but is {other:?}"
        ))),
    }
}

fn hertz(node: &Node<'_, '_>, index: usize) -> Result<f64> {
    let given = node.host(index)?;
    match &given {
        Tensor::F32(array) if array.len() == 1 => Ok(array.iter().copied().map(f64::from).sum()),
        other => Err(Error::Onnx(format!(
            "input {index} must be one real number, but it is {}",
            other.tensor_type()
        ))),
    }
}
