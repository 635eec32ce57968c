//! Benchmarks whose figures can be defended: backends by turns, every answer checked before it is timed, cold told from
//! warm, the median with its interval, and a report that says where and when. `convoke bench` is made of it;
//! `docs/benchmarking.md` says why it measures as it does.
//!
//! ```
//! use convoke::{Backend, onnx::Model};
//! use convoke_bench::{Case, Environment, Opened, Rule, measure, table};
//!
//! let model = Model::open("../../models/lenet5.onnx")?;
//! let backends = [Opened::open("reference", || Ok(Backend::Reference))?];
//! let rule = Rule { precision: 0.2, max_time: 0.1 };
//! let cases = [Case::model("lenet5", &model, 0.0, &[], None)?];
//! let report = measure(Environment::read(), None, &cases, &backends, rule, &mut |_| ());
//! assert!(!report.has_failed());
//! println!("{}", table(&report));
//! # Ok::<(), convoke::Error>(())
//! ```

mod baseline;
mod case;
mod crossover;
mod csv;
mod environment;
mod html;
mod layers;
mod measure;
mod operators;
mod plot;
mod report;
mod statistics;
mod table;
mod turns;

pub use baseline::{Change, Comparison, Verdict};
pub use case::Case;
pub use crossover::{Crossing, crossings, findings};
pub use csv::csv;
pub use environment::Environment;
pub use html::html;
pub use layers::{Layer, layers};
pub use measure::{Opened, Progress, measure};
pub use operators::operators;
pub use report::{BackendReport, CaseReport, Cold, DeviceTime, Measured, ModelFile, Outcome, PointReport, Report, Split, Sweep};
pub use statistics::{Interval, Summary};
pub use table::table;
pub use turns::{Rule, Stop, Turns};
