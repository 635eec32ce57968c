//! Runs a case in several ways and compares its answers with the reference's, within the reference's bounds.

use std::sync::Arc;
use std::time::Duration;

use convoke::onnx::Model;
use convoke::reference::Answer;
use convoke::testing::{compare, compare_exact};
use convoke::{Backend, Error, Limits, Precision, Result, Session, Tensor, TensorView};

use crate::model::{Answers, Case};

/// A way of running a case: what makes a session of a model, on a backend, by the rules of a class of devices, in a precision.
pub struct Way<'a> {
    /// What it is called in messages.
    pub name: String,
    /// How its sessions store numbers.
    pub precision: Precision,
    /// Makes them.
    pub session: Box<dyn Fn(Model) -> Result<Session> + 'a>,
}

impl std::fmt::Debug for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Way<'_> {
    /// On this backend, however long a run takes: how fast a machine is is not what cases are about.
    pub fn on(name: impl Into<String>, backend: Backend, precision: Precision) -> Self {
        Self {
            name: name.into(),
            precision,
            session: Box::new(move |model| {
                let builder = Session::builder().backend(backend.clone()).precision(precision);
                let limits = Limits::new().run(Duration::MAX);
                builder.limits(limits).build(Arc::new(model))
            }),
        }
    }
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every answer is within its bound, or has the same bits where it is exact.
    Passed,
    /// An answer is not, or a case that any machine has room for was refused.
    Failed(String),
    /// A case that may be refused was, with an error that names what was too much.
    Refused(String),
}

/// How the cases of a way ended, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those whose answers are right.
    pub passed: usize,
    /// Those whose answers are not, or that were refused and might not be.
    pub failed: usize,
    /// Those that were too large.
    pub refused: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Refused(_) => self.refused += 1,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, refused } = self;
        write!(f, "{passed} passed, {failed} failed, {refused} refused as too large")
    }
}

impl Case {
    /// Runs it in each of these ways, and says how each ended.
    pub fn run<'a>(&self, ways: impl IntoIterator<Item = &'a Way<'a>>) -> Vec<Outcome> {
        let mut wanted = Wanted::default();
        ways.into_iter().map(|way| self.run_once(way, &mut wanted)).collect()
    }

    fn run_once(&self, way: &Way<'_>, wanted: &mut Wanted) -> Outcome {
        match self.mismatch(way, wanted) {
            Ok(None) => Outcome::Passed,
            Ok(Some(message)) => Outcome::Failed(message),
            Err(error) if self.may_be_refused && is_of_size(&error) => Outcome::Refused(error.to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    fn mismatch(&self, way: &Way<'_>, wanted: &mut Wanted) -> Result<Option<String>> {
        let session = (way.session)(self.parsed()?)?;
        if self.answers == Answers::Stepwise && way.precision == Precision::F16 {
            let checks = session.verify(&self.views())?;
            return Ok(checks.into_iter().find_map(|check| {
                let mismatch = check.mismatch?;
                Some(format!("{} ({}): {mismatch}", check.node, check.operator))
            }));
        }
        let outputs = session.run_tensors(&self.views())?;
        let answers = wanted.in_precision(way.precision, || match self.same_as.as_deref() {
            None => session.answers(&self.views()),
            Some(smaller) => (way.session)(smaller.parsed()?)?.answers(&smaller.views()),
        })?;
        if outputs.len() != answers.len() {
            return Ok(Some(format!("expected {} outputs, but got {}", answers.len(), outputs.len())));
        }
        let is_exact = self.answers != Answers::Rounded && way.precision == Precision::F32;
        for (index, (got, want)) in outputs.iter().zip(answers).enumerate() {
            if let Some(message) = differs(got, want, is_exact)? {
                return Ok(Some(format!("output {index}: {message}")));
            }
        }
        Ok(None)
    }

    /// The answers, by the reference.
    ///
    /// Errors: what the reference refuses.
    pub fn answers(&self) -> Result<Vec<Tensor>> {
        let case = self.same_as.as_deref().unwrap_or(self);
        let session = Session::from_model(case.parsed()?, &Backend::Reference)?;
        session.answers(&case.views())?.iter().map(Answer::to_tensor).collect()
    }

    fn parsed(&self) -> Result<Model> {
        Model::from_bytes(&self.model().map_err(Error::Onnx)?)
    }

    fn views(&self) -> Vec<TensorView<'_>> {
        self.inputs.iter().map(|(_, value)| value.view()).collect()
    }
}

/// What a case's answers should be: the reference computes them once for each precision.
#[derive(Default)]
struct Wanted(Vec<(Precision, Vec<Answer>)>);

impl Wanted {
    fn in_precision(&mut self, precision: Precision, compute: impl FnOnce() -> Result<Vec<Answer>>) -> Result<&[Answer]> {
        let index = if let Some(index) = self.0.iter().position(|(known, _)| *known == precision) {
            index
        } else {
            self.0.push((precision, compute()?));
            self.0.len() - 1
        };
        Ok(&self.0[index].1)
    }
}

fn differs(got: &Tensor, want: &Answer, is_exact: bool) -> Result<Option<String>> {
    let compared = if is_exact {
        compare_exact(got, &want.to_tensor()?)
    } else {
        compare(got, want)
    };
    Ok(compared.err().map(|mismatch| mismatch.to_string()))
}

/// Whether an error says that something is too large for the adapter, the machine, or the limits that were set.
fn is_of_size(error: &Error) -> bool {
    matches!(
        error,
        Error::LimitExceeded { .. } | Error::OverLimit { .. } | Error::OutOfHostMemory(_) | Error::OutOfMemory(_)
    )
}
