//! What a verified run was, so that it can be repeated anywhere: the model, the device, the kernels, the inputs, and how near each operator
//! came.

mod differences;
#[cfg(feature = "certificates")]
mod file;

use std::collections::BTreeSet;

use super::Evaluated;
use super::backend::Backend;
use super::shared::Settings;
use super::verify::Check;
use crate::digest::Digest;
use crate::gpu::LayerChoice;
use crate::graph::{Graph, ValueId};
use crate::reference::Scores;
use crate::tensor::{Tensor, TensorView, each};

/// What a verified run was. Made by [`Session::certify`](crate::Session::certify); `to_json` (feature `certificates`)
/// makes a file of it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Certificate {
    /// What made it and what it is of.
    pub subject: Subject,
    /// In the order of the graph's inputs.
    pub inputs: Vec<CertifiedTensor>,
    /// In the order of the graph's outputs.
    pub outputs: Vec<CertifiedTensor>,
    /// The kernels that ran, each once; none on the CPU.
    pub kernels: Vec<CertifiedKernel>,
    /// How each layer that several kernels could compute is computed; none on the CPU.
    pub plan: Vec<CertifiedChoice>,
    /// Every operator that the passes left.
    pub operators: Vec<CertifiedOperator>,
}

/// What ran, where and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Subject {
    /// convoke's version.
    pub convoke: String,
    /// The model's file, where it is of one.
    pub file: Option<String>,
    /// SHA-256 of the graph for these shapes: its operators, names and weights.
    pub model: String,
    /// Where it ran, as [`Backend`](crate::Backend) says it: an adapter with its graphics API, or the CPU.
    pub backend: String,
    /// The driver's name and version; empty on the CPU.
    pub driver: String,
    /// How numbers were stored.
    pub precision: String,
    /// What random inputs were drawn from, where they were.
    pub seed: Option<u64>,
}

/// A tensor that went in or came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct CertifiedTensor {
    /// Its name in the graph.
    pub name: String,
    /// The type of its elements.
    pub dtype: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// Of its elements' bits, row by row.
    pub sha256: String,
}

/// A kernel that ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct CertifiedKernel {
    /// Its name; several have the same one with other constants.
    pub name: String,
    /// Of its WGSL, as the driver got it.
    pub sha256: String,
}

/// How a layer is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct CertifiedChoice {
    /// The node's name.
    pub node: String,
    /// The kernel, as in a tuning plan.
    pub choice: String,
}

/// How near an operator came.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "certificates",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct CertifiedOperator {
    /// The node's name.
    pub node: String,
    /// The operator, by its PyTorch name.
    pub operator: String,
    /// The shape of its first output.
    pub shape: Vec<usize>,
    /// How much of its bound the worst element takes up; nothing where an element is off that has to be exact.
    pub part_of_bound: Option<f64>,
    /// What is wrong, where something is.
    pub mismatch: Option<String>,
    /// How its errors compare with random rounding, where they are of sums.
    pub scores: Option<Scores>,
    /// Whether they do not.
    pub is_suspicious: bool,
}

impl Certificate {
    pub(super) fn new(
        graph: &Graph,
        settings: &Settings,
        inputs: &[TensorView<'_>],
        evaluated: &Evaluated,
        plan: &[LayerChoice],
    ) -> Self {
        let driver = match &settings.backend {
            Backend::Gpu(gpu) => gpu.info().driver.clone(),
            _ => String::new(),
        };
        let named = |ids: &[ValueId], tensors: &mut dyn Iterator<Item = TensorView<'_>>| {
            let names = ids.iter().map(|id| graph.values[id.0].name.as_str());
            names
                .zip(tensors)
                .map(|(name, tensor)| CertifiedTensor::new(name, &tensor))
                .collect()
        };
        let kernel = |(name, sha256): &(String, String)| CertifiedKernel {
            name: name.clone(),
            sha256: sha256.clone(),
        };
        let kernels: BTreeSet<CertifiedKernel> = evaluated.kernels.iter().map(kernel).collect();
        Self {
            subject: Subject {
                convoke: env!("CARGO_PKG_VERSION").to_owned(),
                file: None,
                model: digest_of(graph),
                backend: settings.backend.to_string(),
                driver,
                precision: settings.precision.to_string(),
                seed: None,
            },
            inputs: named(&graph.inputs, &mut inputs.iter().cloned()),
            outputs: named(&graph.outputs, &mut evaluated.outputs.iter().map(Tensor::view)),
            kernels: kernels.into_iter().collect(),
            plan: plan.iter().map(CertifiedChoice::from).collect(),
            operators: evaluated.checks.iter().map(CertifiedOperator::from).collect(),
        }
    }

    /// The same with the file that the model is from, and what random inputs were drawn from.
    #[must_use]
    pub fn about(mut self, file: Option<String>, seed: Option<u64>) -> Self {
        self.subject.file = file;
        self.subject.seed = seed;
        self
    }

    /// Whether every operator was within its bounds.
    pub fn is_right(&self) -> bool {
        self.operators.iter().all(|operator| operator.mismatch.is_none())
    }
}

impl CertifiedTensor {
    pub(super) fn new(name: &str, tensor: &TensorView<'_>) -> Self {
        Self {
            name: name.to_owned(),
            dtype: tensor.dtype().to_string(),
            shape: tensor.shape().to_vec(),
            sha256: with_elements(Digest::new(), tensor).hex(),
        }
    }
}

impl From<&LayerChoice> for CertifiedChoice {
    fn from(layer: &LayerChoice) -> Self {
        let by_plan = if layer.is_tuned { ", by a tuning plan" } else { "" };
        Self {
            node: layer.node.clone(),
            choice: format!("{}{by_plan}", layer.choice),
        }
    }
}

impl From<&Check> for CertifiedOperator {
    fn from(check: &Check) -> Self {
        Self {
            node: check.node.clone(),
            operator: check.operator.to_owned(),
            shape: check.shape.clone(),
            part_of_bound: check.part_of_bound.is_finite().then_some(check.part_of_bound),
            mismatch: check.mismatch.as_ref().map(ToString::to_string),
            scores: check.scores,
            is_suspicious: check.is_suspicious(),
        }
    }
}

/// Of a graph's operators, names and weights.
pub(super) fn digest_of(graph: &Graph) -> String {
    let mut digest = Digest::new();
    for (number, value) in graph.values.iter().enumerate() {
        digest = digest.with_text(&format!("{number} {} {} {:?}", value.name, value.dtype, value.shape));
        if let Some(constant) = &value.constant {
            digest = with_elements(digest.with_text(&format!("{:?}", constant.shape())), &constant.view());
        }
    }
    for node in &graph.nodes {
        digest = digest.with_text(&format!("{} {:?} {:?} {:?}", node.name, node.op, node.inputs, node.outputs));
    }
    digest.with_text(&format!("{:?} {:?}", graph.inputs, graph.outputs)).hex()
}

fn with_elements(digest: Digest, tensor: &TensorView<'_>) -> Digest {
    each!(TensorView, tensor, array => {
        let standard = array.as_standard_layout();
        digest.with(crate::content::bytes(standard.as_slice().unwrap_or_default()))
    })
}
