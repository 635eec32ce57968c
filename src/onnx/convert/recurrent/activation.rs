//! The functions that ONNX's recurrent operators take by name.

use crate::error::{Error, Result};
use crate::onnx::convert::activation::number;
use crate::onnx::convert::builder::Value;
use crate::onnx::convert::node::{Node, unsupported};
use crate::ops::{Binary, Unary};

/// A function of a gate's elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    Unary(Unary),
    /// `alpha * x + beta`
    Affine {
        alpha: f32,
        beta: f32,
    },
    /// `alpha * tanh(beta * x)`
    ScaledTanh {
        alpha: f32,
        beta: f32,
    },
}

/// Numbers of `activation_alpha` or `activation_beta`, which are for the functions that take one, in their order.
struct Numbers<'m>(std::slice::Iter<'m, f32>);

impl Numbers<'_> {
    fn next(&mut self, default: f32) -> f32 {
        self.0.next().copied().unwrap_or(default)
    }
}

/// The functions of a node, or these where it names none; one after another for each direction.
pub(super) fn activations(node: &Node<'_, '_>, directions: usize, default: &[Unary]) -> Result<Vec<Vec<Activation>>> {
    let mut alphas = Numbers(node.floats("activation_alpha")?.unwrap_or_default().iter());
    let mut betas = Numbers(node.floats("activation_beta")?.unwrap_or_default().iter());
    let Some(names) = node.strings("activations")? else {
        let own: Vec<Activation> = default.iter().copied().map(Activation::Unary).collect();
        return Ok(vec![own; directions]);
    };
    if names.len() != directions * default.len() {
        return Err(Error::Onnx(format!(
            "{} activations where {} are expected",
            names.len(),
            directions * default.len()
        )));
    }
    let named = names.iter().map(|name| of_name(name, &mut alphas, &mut betas));
    let named = named.collect::<Result<Vec<_>>>()?;
    Ok(named.chunks(default.len()).map(<[Activation]>::to_vec).collect())
}

fn of_name(name: &str, alphas: &mut Numbers<'_>, betas: &mut Numbers<'_>) -> Result<Activation> {
    Ok(Activation::Unary(match name.to_ascii_lowercase().as_str() {
        "relu" => Unary::Relu,
        "tanh" => Unary::Tanh,
        "sigmoid" => Unary::Sigmoid,
        "softsign" => Unary::Softsign,
        "softplus" => Unary::Softplus,
        "leakyrelu" => Unary::LeakyRelu {
            negative_slope: alphas.next(0.01),
        },
        "thresholdedrelu" => Unary::ThresholdedRelu { alpha: alphas.next(1.0) },
        "elu" => Unary::Elu { alpha: alphas.next(1.0) },
        "hardsigmoid" => Unary::HardSigmoidWith {
            alpha: alphas.next(0.2),
            beta: betas.next(0.5),
        },
        "affine" => {
            return Ok(Activation::Affine {
                alpha: alphas.next(1.0),
                beta: betas.next(0.0),
            });
        }
        "scaledtanh" => {
            return Ok(Activation::ScaledTanh {
                alpha: alphas.next(1.0),
                beta: betas.next(1.0),
            });
        }
        _ => return Err(unsupported(format!("activation {name:?}"))),
    }))
}

impl Activation {
    /// The function of one element that it is, where it is one.
    pub(super) fn unary(self) -> Option<Unary> {
        match self {
            Self::Unary(function) => Some(function),
            Self::Affine { .. } | Self::ScaledTanh { .. } => None,
        }
    }

    pub(super) fn emit(self, node: &mut Node<'_, '_>, input: &Value) -> Result<Value> {
        match self {
            Self::Unary(function) => node.emit(function, &[input]),
            Self::Affine { alpha, beta } => {
                let scaled = node.emit(Binary::Mul, &[input, &number(alpha)])?;
                node.emit(Binary::Add, &[&scaled, &number(beta)])
            }
            Self::ScaledTanh { alpha, beta } => {
                let scaled = node.emit(Binary::Mul, &[input, &number(beta)])?;
                let tanh = node.emit(Unary::Tanh, &[&scaled])?;
                node.emit(Binary::Mul, &[&tanh, &number(alpha)])
            }
        }
    }
}
