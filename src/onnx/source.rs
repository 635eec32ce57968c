//! Models as what sessions run: a graph for whatever shapes come.

use std::sync::Arc;

use super::model::Model;
use super::types::{Shapes, TensorInfo};
use crate::error::{Result, ensure};
use crate::graph::passes::Evaluate;
use crate::graph::{Fold, Kind, Source, Stage, ValueInfo};
use crate::onnx::convert;

/// A model with what is fixed of its shapes and inputs in every run.
#[derive(Debug)]
struct Folding {
    model: Arc<Model>,
    fixed: Shapes,
}

impl Folding {
    /// The inputs that a run reads.
    fn read(&self) -> impl Iterator<Item = &TensorInfo> {
        let inputs = self.model.inputs.iter();
        inputs.filter(|input| !self.fixed.values.contains_key(&input.name))
    }
}

impl Fold for Folding {
    fn fold(&self, inputs: &[&[usize]], evaluate: Evaluate) -> Result<Stage> {
        let count = self.read().count();
        ensure!(
            inputs.len() == count,
            "onnx",
            "expected {count} inputs ({}), but got {}",
            self.read().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            inputs.len()
        );
        let mut shapes = self.fixed.clone();
        for (input, &got) in self.read().zip(inputs) {
            let fixed = self.fixed.inputs.get(&input.name);
            ensure!(
                fixed.is_none_or(|fixed| fixed == got),
                "onnx",
                "input {input}: expected shape {:?}, which the session was made for, but got {got:?}",
                fixed.map_or(&[][..], Vec::as_slice)
            );
            shapes = shapes.input(&input.name, got);
        }
        convert::staged(&self.model, &shapes, evaluate)
    }

    fn inputs(&self) -> Vec<ValueInfo> {
        self.read().map(TensorInfo::value_info).collect()
    }

    fn outputs(&self) -> Vec<ValueInfo> {
        self.model.outputs.iter().map(TensorInfo::value_info).collect()
    }
}

impl From<Arc<Model>> for Source {
    fn from(model: Arc<Model>) -> Self {
        (model, Shapes::new()).into()
    }
}

impl From<Model> for Source {
    fn from(model: Model) -> Self {
        Arc::new(model).into()
    }
}

impl From<(Arc<Model>, Shapes)> for Source {
    /// A model with some things fixed: inputs that have a [`value`](Shapes::value) are constants, and runs read the others, in
    /// their order; where extents or shapes are given, others are refused.
    fn from((model, fixed): (Arc<Model>, Shapes)) -> Self {
        Self(Kind::Model(Arc::new(Folding { model, fixed })))
    }
}

impl From<(Model, Shapes)> for Source {
    fn from((model, fixed): (Model, Shapes)) -> Self {
        (Arc::new(model), fixed).into()
    }
}
