//! What is native of the Python package `convoke`: arrays, models, backends, sessions and operators. `python/convoke` makes of it
//! what people import, and documents it.

#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "what Python passes is extracted into values, and keywords are arguments"
)]

mod array;
mod backend;
mod error;
mod interrupt;
mod measure;
mod model;
mod operator;
mod session;

use log::LevelFilter;
use pyo3::prelude::*;

#[pymodule]
mod _convoke {
    use super::{LevelFilter, PyResult, Python};
    use crate::error::to_python;
    use pyo3::prelude::{Bound, PyModule};

    #[pymodule_export]
    use super::backend::{Backend, adapters, expected};
    #[pymodule_export]
    use super::measure::{bench, tune};
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::operator::Operator;
    #[pymodule_export]
    use super::session::Session;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        log_to_python(module.py())
    }

    /// Has what is logged go to Python's `logging`, whose levels may change at any time: runs log nothing that would have to ask
    /// for them. The graphics libraries speak of errors alone.
    fn log_to_python(py: Python<'_>) -> PyResult<()> {
        let logger = pyo3_log::Logger::new(py, pyo3_log::Caching::Loggers)?
            .filter(LevelFilter::Error)
            .filter_target("convoke".to_owned(), LevelFilter::Debug);
        logger
            .install()
            .map(drop)
            .map_err(|error| to_python(convoke::Error::Internal(error.to_string())))
    }
}
