//! Long work that Python watches and may end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pyo3::prelude::*;

/// What unwinds when Python ends the work. No panic's message is written for it.
struct Ended;

/// Somebody in Python who is told how far along the work is.
pub(crate) struct Watch {
    observer: Option<Py<PyAny>>,
    exception: Option<PyErr>,
}

impl Watch {
    /// Tells Python, where Ctrl-C is seen as well. What it raises ends the work: it unwinds out of whatever called this, to
    /// [`watched`]. The library's locks outlive that, since what they guard is whole after every statement.
    pub(crate) fn tell(&mut self, message: &str, done: f64) {
        let told = Python::attach(|py| {
            py.check_signals()?;
            let observer = self.observer.as_ref();
            observer.map_or(Ok(()), |observer| observer.call1(py, (message, done)).map(drop))
        });
        if let Err(exception) = told {
            self.exception = Some(exception);
            resume_unwind(Box::new(Ended));
        }
    }
}

/// Does something without holding Python, and raises what Python raised when it was told of it.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    observer: Option<Py<PyAny>>,
    work: impl FnOnce(&mut Watch) -> T + Send,
) -> PyResult<T> {
    let mut watch = Watch {
        observer,
        exception: None,
    };
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(|| work(&mut watch))));
    match (result, watch.exception) {
        (Ok(result), _) => Ok(result),
        (Err(payload), Some(exception)) if payload.is::<Ended>() => Err(exception),
        (Err(payload), _) => resume_unwind(payload),
    }
}
