//! Sessions of models: a graph for whatever shapes come.

use std::sync::Arc;

use super::{Model, Shapes, TensorInfo};
use crate::backend::Backend;
use crate::error::{Result, ensure};
use crate::graph::{Fold, Graph, Pass, Session, Settings, Source};

/// A model with what is fixed of its shapes and inputs in every run.
#[derive(Debug)]
struct Folding {
    model: Arc<Model>,
    fixed: Shapes,
}

impl Folding {
    /// The inputs that a run reads.
    fn inputs(&self) -> impl Iterator<Item = &TensorInfo> {
        let inputs = self.model.inputs.iter();
        inputs.filter(|input| !self.fixed.values.contains_key(&input.name))
    }
}

impl Fold for Folding {
    fn fold(&self, inputs: &[&[usize]]) -> Result<Graph> {
        let count = self.inputs().count();
        ensure!(
            inputs.len() == count,
            "onnx",
            "expected {count} inputs ({}), but got {}",
            self.inputs().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            inputs.len()
        );
        let mut shapes = self.fixed.clone();
        for (input, &got) in self.inputs().zip(inputs) {
            let fixed = self.fixed.inputs.get(&input.name);
            ensure!(
                fixed.is_none_or(|fixed| fixed == got),
                "onnx",
                "input {input}: expected shape {:?}, which the session was made for, but got {got:?}",
                fixed.map_or(&[][..], Vec::as_slice)
            );
            shapes = shapes.input(&input.name, got);
        }
        self.model.graph(&shapes)
    }

    fn outputs(&self) -> Vec<String> {
        self.model.outputs.iter().map(|output| output.name.clone()).collect()
    }
}

impl Session {
    /// Makes a model ready for whatever shapes its inputs come in. What the file leaves open may be another batch or size in
    /// every run: for each set of input shapes a graph is made of the model and planned, and kept as
    /// [`keep_plans`](Self::keep_plans) says; weights are shared. An `Arc` of a model may be given as well, for several sessions.
    ///
    /// ```
    /// use convoke::{Backend, Session, onnx::Model};
    /// use ndarray::Array4;
    ///
    /// let session = Session::from_model(Model::open("models/lenet5.onnx")?, &Backend::auto())?;
    /// for batch in [1, 8, 3] {
    ///     let logits = session.run(&[Array4::<f32>::zeros((batch, 1, 28, 28)).into_dyn().view()])?;
    ///     assert_eq!(logits[0].shape(), [batch, 10]);
    /// }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: none before the first run or [`prepare`](Self::prepare), which give what [`Model::graph`] gives.
    pub fn from_model(model: impl Into<Arc<Model>>, backend: &Backend) -> Result<Self> {
        Self::from_model_with(model, Shapes::new(), backend)
    }

    /// As [`from_model`](Self::from_model), with some things fixed: inputs that have a [`value`](Shapes::value) are constants, and
    /// runs read the others, in their order; where extents or shapes are given, others are refused.
    ///
    /// ```
    /// use convoke::{Backend, Session, onnx::{Model, Shapes}};
    /// use ndarray::ArrayD;
    ///
    /// let model = Model::open("tests/data/onnx_node/test_reshape_extended_dims/model.onnx")?;
    /// let fixed = Shapes::new().value("shape", ndarray::array![2_i64, 3, 2, 2].into_dyn());
    /// let session = Session::from_model_with(model, fixed, &Backend::auto())?;
    /// let outputs = session.run(&[ArrayD::zeros(vec![2, 3, 4]).view()])?;
    /// assert_eq!(outputs[0].shape(), [2, 3, 2, 2]);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: as [`from_model`](Self::from_model).
    pub fn from_model_with(model: impl Into<Arc<Model>>, fixed: Shapes, backend: &Backend) -> Result<Self> {
        let model = model.into();
        let folding = Folding { model, fixed };
        Self::from_source(Source::Model(Arc::new(folding)), Settings::new(backend, &Pass::ALL))
    }
}
