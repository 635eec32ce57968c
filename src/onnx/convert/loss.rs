//! What networks are trained by: the loss of classes that were predicted with some probability.

use super::builder::{Value, signed};
use super::gather::{dtype_of, number_of};
use super::node::Node;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{Binary, Gather, GatherElements, Reduce, Softmax, Ternary, Unary};

/// Of logarithms of probabilities.
pub(super) fn negative_log_likelihood(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let logarithms = node.input(0)?;
    Ok(vec![of_logarithms(node, &logarithms)?])
}

/// Of scores, from which the probabilities of classes are computed first. Their logarithms are another output.
pub(super) fn softmax_cross_entropy(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let scores = node.input(0)?;
    let logarithms = node.emit(Softmax::log(1), &[&scores])?;
    let loss = of_logarithms(node, &logarithms)?;
    Ok(vec![loss, logarithms])
}

/// The negated logarithm of each target's probability, times the weight of its class; all of them, their sum, or their mean, in which
/// each counts by its weight. Targets that are ignored weigh nothing, whatever their probability.
fn of_logarithms(node: &mut Node<'_, '_>, logarithms: &Value) -> Result<Value> {
    let (target, class_weights) = (node.input(1)?, node.optional(2));
    let ignored = node.optional_int("ignore_index")?;
    let [batch, _, extents @ ..] = logarithms.shape() else {
        return Err(Error::Onnx(format!(
            "scores of shape {:?}: expected [N, C, ...]",
            logarithms.shape()
        )));
    };
    let shape = [&[*batch], extents].concat();
    if target.shape() != shape {
        return Err(Error::Onnx(format!(
            "targets of shape {:?} for scores of shape {:?}",
            target.shape(),
            logarithms.shape()
        )));
    }
    let [zero, one] = [0, 1].map(|value| number_of(DType::F32, value));
    let dtype = dtype_of(&target)?;
    let is_ignored = match ignored {
        Some(index) => Some(node.emit(Binary::Equal, &[&target, &number_of(dtype, index)])?),
        None => None,
    };
    // What is ignored may be no class.
    let class = match &is_ignored {
        Some(is_ignored) => node.emit(Ternary::Where, &[is_ignored, &number_of(dtype, 0), &target])?,
        None => target,
    };
    let column = node.reshape(&class, &signed(&[&[*batch, 1], extents].concat()))?;
    let chosen = node.emit(GatherElements::new(1), &[logarithms, &column])?;
    let chosen = node.reshape(&chosen, &signed(&shape))?;
    let mut loss = node.emit(Unary::Neg, &[&chosen])?;
    let mut weights = None;
    if let Some(class_weights) = class_weights {
        let own = node.emit(Gather::new(0), &[&class_weights, &class])?;
        loss = node.emit(Binary::Mul, &[&loss, &own])?;
        weights = Some(own);
    }
    if let Some(is_ignored) = &is_ignored {
        loss = node.emit(Ternary::Where, &[is_ignored, &zero, &loss])?;
        weights = Some(node.emit(Ternary::Where, &[is_ignored, &zero, weights.as_ref().unwrap_or(&one)])?);
    }
    match (node.string("reduction", "mean")?, weights) {
        ("none", _) => Ok(loss),
        ("sum", _) => node.emit(Reduce::sum([]), &[&loss]),
        ("mean", None) => node.emit(Reduce::mean([]), &[&loss]),
        ("mean", Some(weights)) => {
            let (loss, weights) = (
                node.emit(Reduce::sum([]), &[&loss])?,
                node.emit(Reduce::sum([]), &[&weights])?,
            );
            node.emit(Binary::Div, &[&loss, &weights])
        }
        (other, _) => Err(Error::Onnx(format!("reduction {other:?}"))),
    }
}
