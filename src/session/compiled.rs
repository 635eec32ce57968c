//! Sessions saved and loaded: graphs after the passes that need no shapes, in a file of their own.

use std::io::Write;
use std::path::Path;

use super::{Session, SessionBuilder};
use crate::compiled::{Bytes, Compiled, Made};
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueInfo};
use crate::limits::Limits;
use crate::ops::Op;
use crate::session::backend::Backend;
use crate::session::shared::MadeFor;
use crate::turn::at_once;
use crate::whole_file;

const NAME: &str = "session";

impl Session {
    /// Writes what this session runs to a file, from which [`load`](Self::load) makes a session that gives the same bits, in a fraction of
    /// the time that reading the model takes: graphs with the passes behind them that need no shapes, and their weights. A file that is
    /// there is replaced by the whole new one, or stays.
    ///
    /// Of a model the graphs are written that are made so far, each for the shapes of the inputs that it is for:
    /// [`prepare`](Self::prepare) or run the session with those that are wanted. Where there is none, and the model fixes all extents but
    /// the first, which is then 1, that one is made.
    ///
    /// ```
    /// # #[cfg(feature = "onnx")] {
    /// use convoke::{Backend, Session, onnx::Model};
    /// use ndarray::Array4;
    ///
    /// let session = Session::from_model(Model::open("models/lenet5.onnx")?, &Backend::cpu())?;
    /// session.prepare(&[&[8, 1, 28, 28]])?;
    /// let file = std::env::temp_dir().join(format!("lenet5-{}.convoke", std::process::id()));
    /// session.save(&file)?;
    ///
    /// let loaded = Session::load(&file, &Backend::cpu())?;
    /// let digits = Array4::<f32>::ones((8, 1, 28, 28)).into_dyn();
    /// assert_eq!(loaded.run(&[digits.view()])?, session.run(&[digits.view()])?);
    /// # std::fs::remove_file(file).unwrap();
    /// # }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: `Unsupported` for a model in which shapes depend on what it computes, or with a [`CustomOp`](crate::ops::CustomOp); a model that leaves extents open, with no graph made;
    /// what passes refuse; a file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let compiled = self.compiled()?;
        whole_file::replace(path, |mut file| {
            let written = compiled.write(&mut file)?.and_then(|()| file.sync_all());
            written.map_err(Error::io(path))
        })
    }

    /// What [`save`](Self::save) writes.
    ///
    /// Errors: as [`save`](Self::save).
    pub fn save_to(&self, to: &mut impl Write) -> Result<()> {
        let written = self.compiled()?.write(to)?;
        written.map_err(Error::io(Path::new("a compiled model")))
    }

    /// Makes a session of a file that [`save`](Self::save) wrote, in `f32`.
    ///
    /// Errors: as [`SessionBuilder::load`].
    pub fn load(path: impl AsRef<Path>, backend: &Backend) -> Result<Self> {
        Self::builder().backend(backend.clone()).load(path)
    }

    /// Whether a file begins as those that [`save`](Self::save) writes.
    ///
    /// Errors: a file that cannot be read.
    pub fn is_saved(path: impl AsRef<Path>) -> Result<bool> {
        crate::compiled::begins(Bytes::File(path.as_ref()))
    }

    /// The graphs that are made, after the passes that need no shapes.
    fn compiled(&self) -> Result<Compiled> {
        let mut made = self.shared.made();
        if made.is_empty() {
            let shapes = shapes_of(&self.inputs())?;
            let ready = self.ready(&shapes)?;
            made.push(MadeFor {
                shapes: Some(shapes),
                ready,
            });
        }
        let (early, late) = self.shared.settings.passes.split();
        let graphs = made.into_iter().map(|MadeFor { shapes, ready }| {
            ready.check_whole("a file")?;
            check_known(&ready.graph)?;
            Ok(Made {
                shapes,
                graph: early.apply(&ready.graph, None)?.into(),
            })
        });
        Ok(Compiled {
            late: late.passes().to_vec(),
            graphs: graphs.collect::<Result<_>>()?,
            inputs: self.inputs(),
            outputs: self.outputs(),
        })
    }
}

/// Refuses a graph with operators that only the program knows.
fn check_known(graph: &Graph) -> Result<()> {
    match graph.nodes.iter().find(|node| matches!(node.op, Op::CustomOp(_))) {
        None => Ok(()),
        Some(node) => {
            let message = format!(
                "a file of {}, an operator that the program brings along [node {:?}]",
                node.op.name(),
                node.name
            );
            Err(Error::unsupported(NAME, message))
        }
    }
}

/// The shapes of inputs of which a model fixes all extents but the first.
fn shapes_of(inputs: &[ValueInfo]) -> Result<Vec<Vec<usize>>> {
    let shape = |input: &ValueInfo| {
        input.default_shape().ok_or_else(|| {
            let message =
                format!("expected that it was prepared for shapes of its inputs, since the model leaves those of {input} open");
            Error::invalid(NAME, message)
        })
    };
    inputs.iter().map(shape).collect()
}

impl SessionBuilder {
    /// Makes a session of a file that [`Session::save`] wrote. Backend, precision, tuning, fallback, limits and how many plans are kept are
    /// as they are said here, whatever the session had that was saved: a file runs on every backend. Passes are as they were: most are
    /// behind the file's graphs.
    ///
    /// The reference of such a session ([`Session::answers`], [`Session::verify`]) runs the file's graphs, not those of the model that
    /// they came from.
    ///
    /// Errors: a file that cannot be read; [`Error::Compiled`] for one that is not of this format, made by a convoke whose operators have
    /// other parameters, cut, changed or in contradiction to itself, with its name; as [`build`](Self::build).
    pub fn load(self, path: impl AsRef<Path>) -> Result<Session> {
        let path = path.as_ref();
        self.load_from(Bytes::File(path)).map_err(|error| match error {
            Error::Compiled(message) => Error::Compiled(format!("{}: {message}", path.display())),
            other => other,
        })
    }

    /// As [`load`](Self::load), of the content of such a file.
    ///
    /// Errors: as [`load`](Self::load).
    pub fn load_bytes(self, bytes: &[u8]) -> Result<Session> {
        self.load_from(Bytes::Memory(bytes))
    }

    fn load_from(mut self, bytes: Bytes<'_>) -> Result<Session> {
        let limits = self.limits.take().unwrap_or_else(Limits::from_env);
        let compiled = at_once(limits.loaded(None, async { Compiled::read(bytes) }))?;
        let builder = self.passes(&compiled.late).limits(limits.clone());
        limits.planned(|| builder.build(compiled.source()))
    }
}
