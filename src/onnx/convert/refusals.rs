//! What of a model is not supported, counted: the same reason of very many nodes is one line.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::onnx::model::Model;

/// The most reasons that a message lists.
const MOST_REASONS: usize = 32;

/// Nodes and outputs that were refused.
#[derive(Default)]
pub(super) struct Refusals {
    nodes: usize,
    /// How often each operator was refused, by the reason.
    reasons: BTreeMap<String, BTreeMap<String, usize>>,
    outputs: Vec<String>,
}

impl Refusals {
    /// A node, whose name only the log has.
    pub(super) fn node(&mut self, name: &str, operator: String, reason: String) {
        log::info!("unsupported: node {name} ({operator}): {reason}");
        self.nodes += 1;
        *self.reasons.entry(reason).or_default().entry(operator).or_default() += 1;
    }

    pub(super) fn output(&mut self, name: &str, reason: &str) {
        self.outputs.push(format!("output {name:?}: {reason}"));
    }

    /// All of them as one error, where there are any.
    pub(super) fn error(self, model: &Model) -> Option<Error> {
        let (nodes, outputs) = (self.nodes, self.outputs.len());
        let heading = match (nodes, outputs) {
            (0, 0) => return None,
            (0, _) => format!("{outputs} of the model's {} outputs", model.outputs.len()),
            _ => format!("{nodes} of the model's {} nodes", model.nodes.len()),
        };
        let count = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
        let mut reasons: Vec<_> = self.reasons.into_iter().collect();
        reasons.sort_by_key(|(_, counts)| std::cmp::Reverse(count(counts)));
        let surplus = reasons.split_off(reasons.len().min(MOST_REASONS));
        let mut lines: Vec<String> = reasons.into_iter().map(|(reason, counts)| line(&reason, counts)).collect();
        if !surplus.is_empty() {
            let nodes: usize = surplus.iter().map(|(_, counts)| count(counts)).sum();
            lines.push(format!("{nodes} x for {} other reasons", surplus.len()));
        }
        lines.extend(self.outputs);
        let message = format!("{heading} (opset {}):\n  {}", model.opset, lines.join("\n  "));
        Some(Error::unsupported("onnx", message))
    }
}

/// `8 x NonMaxSuppression, 4 x Unique: no such operator`, the most frequent first.
fn line(reason: &str, counts: BTreeMap<String, usize>) -> String {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let counts = counts.into_iter().map(|(operator, count)| format!("{count} x {operator}"));
    format!("{}: {reason}", counts.collect::<Vec<_>>().join(", "))
}
