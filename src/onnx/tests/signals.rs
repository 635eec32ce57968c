//! Fourier transforms against their definition, and windows.

use std::f64::consts::TAU;

use ndarray::{Array1, Array3, ArrayD, array};

use super::super::proto::{AttributeProto, ModelProto};
use super::{int, of_constants, output, refusal};
use crate::tensor::Tensor;

fn one(operator: &str, inputs: &[Option<Tensor>], attributes: &[AttributeProto]) -> ModelProto {
    of_constants(20, operator, inputs, attributes)
}

#[expect(clippy::unnecessary_wraps, reason = "an input that is given among those that may not be")]
fn scalar(value: i64) -> Option<Tensor> {
    Some(ndarray::arr0(value).into_dyn().into())
}

/// Five numbers of some parts, twice.
fn signal(parts: usize) -> Array3<f32> {
    Array3::from_shape_fn((2, 5, parts), |(row, place, part)| {
        ((row * 7 + place * 5 + part * 3) % 8) as f32 - 3.5
    })
}

/// Rows of `length` complex numbers, of which those beyond the signal are 0.
fn transformed(signal: &Array3<f32>, length: usize, is_inverse: bool) -> ArrayD<f32> {
    let (rows, count, parts) = signal.dim();
    let sign = if is_inverse { 1.0 } else { -1.0 };
    let scale = if is_inverse { 1.0 / length as f64 } else { 1.0 };
    let output = Array3::from_shape_fn((rows, length, 2), |(row, frequency, part)| {
        let term = |place: usize| {
            let (sine, cosine) = (sign * TAU * (frequency * place) as f64 / length as f64).sin_cos();
            let real = f64::from(signal[[row, place, 0]]);
            let imaginary = if parts == 2 { f64::from(signal[[row, place, 1]]) } else { 0.0 };
            if part == 0 {
                real * cosine - imaginary * sine
            } else {
                real * sine + imaginary * cosine
            }
        };
        (scale * (0..length.min(count)).map(term).sum::<f64>()) as f32
    });
    output.into_dyn()
}

fn assert_close(got: &ArrayD<f32>, want: &ArrayD<f32>) {
    assert_eq!(got.shape(), want.shape());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-4, "{got} for {want}");
    }
}

#[test]
fn transforms_of_any_length() {
    for parts in [1, 2] {
        let signal = signal(parts);
        for length in [1, 2, 5, 7, 8] {
            for is_inverse in [false, true] {
                let inputs = [Some(signal.clone().into()), scalar(length as i64), scalar(1)];
                let got = output(&one("DFT", &inputs, &[int("inverse", is_inverse.into())]));
                assert_close(&got, &transformed(&signal, length, is_inverse));
            }
        }
    }
}

#[test]
fn half_a_spectrum_and_back() {
    for length in [4_usize, 5] {
        let signal = signal(1).slice(ndarray::s![.., ..length, ..]).to_owned();
        let half = output(&one("DFT", &[Some(signal.clone().into())], &[int("onesided", 1)]));
        let whole = transformed(&signal, length, false);
        assert_close(&half, &whole.slice(ndarray::s![.., ..=length / 2, ..]).to_owned().into_dyn());
        let back = [Some(half.into()), scalar(length as i64)];
        let back = output(&one("DFT", &back, &[int("onesided", 1), int("inverse", 1)]));
        assert_close(&back, &signal.into_dyn());
    }
}

#[test]
fn parts_of_a_signal() {
    let signal = signal(1);
    let window = array![0.5_f32, 1.0, -2.0];
    let inputs = [Some(signal.clone().into()), scalar(2), Some(window.clone().into())];
    let got = output(&one("STFT", &inputs, &[int("onesided", 0)]));
    assert_eq!(got.shape(), [2, 2, 3, 2]);
    for frame in 0..2 {
        let part = &signal.slice(ndarray::s![.., 2 * frame..2 * frame + 3, ..]) * &window.clone().insert_axis(ndarray::Axis(1));
        let got = got.slice(ndarray::s![.., frame, .., ..]).to_owned().into_dyn();
        assert_close(&got, &transformed(&part, 3, false));
    }
}

#[test]
fn refusals_of_transforms() {
    let of = |operator: &str, inputs: &[Option<Tensor>], attributes: &[AttributeProto]| refusal(&one(operator, inputs, attributes));
    let signal = |parts| Some(Tensor::from(signal(parts)));
    for (message, words) in [
        (of("DFT", &[signal(3)], &[]), "an input of shape [2, 5, 3]"),
        (
            of("DFT", &[signal(1), None, scalar(2)], &[]),
            "axis 2 is that of real and imaginary parts",
        ),
        (of("DFT", &[signal(1), scalar(0)], &[]), "a length of 0"),
        (of("DFT", &[signal(1), scalar(-3)], &[]), "a length of -3"),
        (of("DFT", &[signal(1), scalar(i64::MAX)], &[]), "budget"),
        (of("DFT", &[signal(2)], &[int("onesided", 1)]), "of numbers of 2 parts"),
        (of("STFT", &[signal(1), scalar(0)], &[]), "a length of 0"),
        (
            of("STFT", &[signal(1), scalar(1), None, scalar(6)], &[]),
            "frames of 6 numbers of a signal of 5",
        ),
        (
            of(
                "STFT",
                &[signal(1), scalar(1), Some(array![1.0_f32, 1.0].into()), scalar(3)],
                &[],
            ),
            "frames of 3 numbers",
        ),
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn windows() {
    let of = |operator: &str, size: i64, is_periodic: bool| {
        output(&one(operator, &[scalar(size)], &[int("periodic", is_periodic.into())]))
    };
    let near = |got: ArrayD<f32>, want: &[f32]| assert_close(&got, &Array1::from_vec(want.to_vec()).into_dyn());
    near(of("HannWindow", 4, true), &[0.0, 0.5, 1.0, 0.5]);
    near(of("HannWindow", 5, false), &[0.0, 0.5, 1.0, 0.5, 0.0]);
    near(of("HammingWindow", 3, false), &[4.0 / 46.0, 1.0, 4.0 / 46.0]);
    near(of("BlackmanWindow", 5, false), &[0.0, 0.34, 1.0, 0.34, 0.0]);
    near(of("HannWindow", 1, false), &[0.0]);
    assert_eq!(of("HannWindow", 0, true).shape(), [0]);
    let message = refusal(&one("HannWindow", &[scalar(-1)], &[]));
    assert!(message.contains("not negative, but is [-1]"), "{message}");
    let message = refusal(&one("HannWindow", &[scalar(4)], &[int("output_datatype", 7)]));
    assert!(message.contains("an output_datatype of 7"), "{message}");
}
