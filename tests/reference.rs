//! The reference against PyTorch: every golden answer, every refusal.
#![cfg(feature = "safetensors")]

mod common;

use common::{Case, golden_cases, refusals};
use convoke::ops::{Op, Unary};
use convoke::reference::{self, Answer};
use convoke::testing::{compare, compare_exact};

#[test]
fn golden_cases_agree() {
    let cases = golden_cases();
    assert_eq!(cases.len(), 628);
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn check(case: &Case) -> Result<(), String> {
    let inputs: Vec<Answer> = case.inputs.iter().map(|input| Answer::exact(input.view())).collect();
    let inputs: Vec<&Answer> = inputs.iter().collect();
    let mut answers = reference::run(&case.op, &inputs).map_err(|error| format!("{}: {error}", case.name))?;
    if answers.len() != case.expected.len() {
        return Err(format!(
            "{}: {} outputs, not {}",
            case.name,
            answers.len(),
            case.expected.len()
        ));
    }
    if matches!(case.op, Op::Unary(Unary::Gelu | Unary::GeluTanh)) {
        allow_for_cancellation(&mut answers[0], &case.inputs[0]);
    }
    for (answer, expected) in answers.iter().zip(&case.expected) {
        let outcome = if case.exact {
            compare_exact(&answer.to_f32(), expected)
        } else {
            compare(expected, answer)
        };
        outcome.map_err(|mismatch| format!("{}: {mismatch}", case.name))?;
    }
    Ok(())
}

/// PyTorch computes `1 + erf(x / sqrt(2))`, or `1 + tanh(..)`, which for negative `x` leaves the rounding errors of numbers near 1: 4 ULP of
/// 1 at most, times `x / 2`. The reference's own bound is for `erfc`, which does not cancel. Below -14 both round to 0.
fn allow_for_cancellation(answer: &mut Answer, input: &ndarray::ArrayD<f32>) {
    for (bound, &x) in answer.bound.iter_mut().zip(input) {
        if x < 0.0 {
            *bound += 4.0 * f64::from(f32::EPSILON) * f64::from(-x.max(-14.0)) / 2.0;
        }
    }
}

#[test]
fn what_pytorch_refuses_is_refused_with_the_numbers() {
    for refusal in refusals() {
        let message = match refusal.result {
            Err(convoke::Error::InvalidArgument { operator, message }) => {
                assert_eq!(operator, refusal.op, "{}", refusal.call);
                message
            }
            other => panic!("{} gave {other:?}; PyTorch says: {}", refusal.call, refusal.message),
        };
        for part in refusal.says {
            assert!(message.contains(part), "{}: {message:?} does not say {part:?}", refusal.call);
        }
    }
}
