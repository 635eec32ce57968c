//! What `run` runs: a model from an ONNX file, of which a session is made when its inputs are read, or a compiled one.

use std::error::Error;
use std::sync::Arc;

use convoke::graph::ValueInfo;
use convoke::onnx::{Model, Shapes, TensorInfo};
use convoke::{Backend, Session};

use super::model::{RunArguments, open};
use super::outcome::announce;
use super::reads::Reads;

/// A model, or a session that was saved.
pub(super) struct Subject {
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    kind: Kind,
}

enum Kind {
    Model(Arc<Model>),
    Compiled(Session, Backend),
}

impl Subject {
    /// Opens the file that is named. A compiled model is loaded where it will run.
    pub(super) fn open(
        arguments: &RunArguments,
        start: impl FnOnce() -> Result<Backend, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        if !Session::is_saved(&arguments.model).unwrap_or_default() {
            let model = open(&arguments.model, arguments.external_data.as_deref())?;
            return Ok(Self {
                inputs: model.inputs().to_vec(),
                outputs: model.outputs().to_vec(),
                kind: Kind::Model(Arc::new(model)),
            });
        }
        if arguments.external_data.is_some() {
            return Err("--external-data: a compiled model has all its weights inside".into());
        }
        let backend = start()?;
        let fallback = arguments.fallback.get(arguments.backend, arguments.precision);
        let session = arguments.precision.load(&arguments.model, &backend, fallback)?;
        Ok(Self {
            inputs: session.inputs().into_iter().map(TensorInfo::from).collect(),
            outputs: session.outputs().into_iter().map(TensorInfo::from).collect(),
            kind: Kind::Compiled(session, backend),
        })
    }

    pub(super) fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The session and where it runs, which is said on stderr.
    pub(super) fn session(
        &self,
        arguments: &RunArguments,
        start: impl FnOnce() -> Result<Backend, Box<dyn Error>>,
    ) -> Result<(Session, Backend), Box<dyn Error>> {
        let (session, backend) = match &self.kind {
            Kind::Compiled(session, backend) => (session.clone(), backend.clone()),
            Kind::Model(model) => {
                let backend = start()?;
                let fallback = arguments.fallback.get(arguments.backend, arguments.precision);
                (arguments.precision.session(Arc::clone(model), &backend, fallback)?, backend)
            }
        };
        announce(&backend);
        Ok((session, backend))
    }
}

impl Reads for Subject {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn checked(&self, given: &Shapes) -> Result<Vec<Vec<usize>>, Box<dyn Error>> {
        let session = match &self.kind {
            Kind::Model(model) => return model.checked(given),
            Kind::Compiled(session, _) => session,
        };
        let shape = |info: ValueInfo| {
            let shape = given
                .of_input(&info.name)
                .map(<[usize]>::to_vec)
                .or_else(|| info.default_shape());
            shape.ok_or_else(|| format!("--shape: the shape of input {info} is open").into())
        };
        session.inputs().into_iter().map(shape).collect()
    }
}
