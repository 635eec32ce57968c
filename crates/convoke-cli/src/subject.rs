//! What a command runs: a model from an ONNX file, of which a session is made when its inputs are read, or a compiled one.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use convoke::graph::ValueInfo;
use convoke::onnx::{Model, Shapes, TensorInfo};
use convoke::session::SessionBuilder;
use convoke::{Backend, Fallback, Precision, Session};

use super::limits;
use super::model::open;
use super::outcome::announce;
use super::reads::Reads;

/// A file, and how a session is made of it.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) external_data: Option<&'a Path>,
    pub(super) precision: Precision,
    pub(super) fallback: Fallback,
}

impl File<'_> {
    fn builder(&self, backend: &Backend) -> SessionBuilder {
        Session::builder()
            .backend(backend.clone())
            .precision(self.precision)
            .fallback(self.fallback)
            .limits(limits::asked())
    }
}

/// A model, or a session that was saved.
pub(super) struct Subject<'a> {
    file: File<'a>,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    kind: Kind,
}

/// What the file is.
pub(super) enum Kind {
    Model(Arc<Model>),
    /// A compiled model, loaded on this backend.
    Compiled(Session, Backend),
}

impl<'a> Subject<'a> {
    /// Opens the file that is named. A compiled model is loaded where it will run.
    pub(super) fn open(file: File<'a>, start: impl FnOnce() -> Result<Backend, Box<dyn Error>>) -> Result<Self, Box<dyn Error>> {
        if !Session::is_saved(file.path).unwrap_or_default() {
            let model = open(file.path, file.external_data)?;
            return Ok(Self {
                file,
                inputs: model.inputs().to_vec(),
                outputs: model.outputs().to_vec(),
                kind: Kind::Model(Arc::new(model)),
            });
        }
        if file.external_data.is_some() {
            return Err("--external-data: a compiled model has all its weights inside".into());
        }
        let backend = start()?;
        let session = file.builder(&backend).load(file.path)?.until(limits::token());
        Ok(Self {
            file,
            inputs: session.inputs().into_iter().map(TensorInfo::from).collect(),
            outputs: session.outputs().into_iter().map(TensorInfo::from).collect(),
            kind: Kind::Compiled(session, backend),
        })
    }

    /// Opens a file that is looked at: a compiled model is loaded where nothing is made ready to run.
    pub(super) fn of_file(path: &'a Path, external_data: Option<&'a Path>) -> Result<Self, Box<dyn Error>> {
        let file = File {
            path,
            external_data,
            precision: Precision::F32,
            fallback: Fallback::Never,
        };
        Self::open(file, || Ok(Backend::Reference))
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The session and where it runs, which is said on stderr.
    pub(super) fn session(
        &self,
        start: impl FnOnce() -> Result<Backend, Box<dyn Error>>,
    ) -> Result<(Session, Backend), Box<dyn Error>> {
        let backend = match &self.kind {
            Kind::Compiled(_, backend) => backend.clone(),
            Kind::Model(_) => start()?,
        };
        announce(&backend);
        let session = match &self.kind {
            Kind::Compiled(session, _) => session.clone(),
            Kind::Model(model) => self.file.builder(&backend).build(Arc::clone(model))?.until(limits::token()),
        };
        Ok((session, backend))
    }
}

impl Reads for Subject<'_> {
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
