//! What was measured, as plain data: everything that the table, the files and a later comparison need.

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::statistics::Summary;
use super::turns::{Rule, Stop};
use convoke::{Error, Result};

/// A benchmark with its surroundings. All times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`](Self::FORMAT).
    pub format: String,
    /// Where and when.
    pub environment: Environment,
    /// When enough was measured.
    pub rule: Rule,
    /// The model's file; `None` for layers and operators.
    pub model: Option<ModelFile>,
    /// What was measured side by side; results stand in this order.
    pub backends: Vec<BackendReport>,
    /// The model, or each layer or operator.
    pub cases: Vec<CaseReport>,
}

/// The file that a model was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// As it was given.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The 64-bit FNV-1a hash of its bytes, as hexadecimal digits: tells another model under the same name.
    pub hash: String,
}

impl ModelFile {
    /// Names a model by its file's content.
    pub fn new(path: &str, bytes: &[u8]) -> Self {
        let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
        Self {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            hash: format!("{hash:016x}"),
        }
    }
}

/// A backend that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendReport {
    /// What it was asked for by: `gpu`, `reference`.
    pub kind: String,
    /// Its name, which no other backend of the report has.
    pub label: String,
    /// All that is known of it: for an adapter its kind, API and driver.
    pub description: String,
    /// How long it took to be there: for an adapter looking for it and opening the device.
    pub start: f64,
}

/// Something that was measured, at one size or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The model's, layer's or operator's name.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// What the sizes are; `None` where there is only one.
    pub sweep: Option<Sweep>,
    /// How long the model's file took to be read and checked.
    pub read: Option<f64>,
    /// The sizes in the order measured.
    pub points: Vec<PointReport>,
}

/// What a sweep changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sweep {
    /// The first extent: images at once.
    Batch,
    /// The last two extents: height and width of the images.
    Size,
}

impl Sweep {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Size => "size",
        }
    }
}

/// One size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointReport {
    /// The batch, or height and width; 1 where nothing is swept.
    pub size: usize,
    /// The shapes of the inputs.
    pub inputs: Vec<Vec<usize>>,
    /// Floating-point operations of a run by the definition, two for each multiply-add.
    pub flops: u64,
    /// What came of each backend.
    pub outcomes: Vec<Outcome>,
}

/// What came of a backend at a size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its answer is right, and these are its times.
    Measured(Box<Measured>),
    /// Its answer is wrong: there are no times.
    Refused {
        /// Where the wrong answer arises.
        layer: String,
        /// What it does.
        operator: String,
        /// How it is wrong.
        message: String,
    },
    /// It could not run at this size.
    Failed {
        /// Why.
        message: String,
    },
}

impl Outcome {
    /// The times, where there are any.
    pub fn measured(&self) -> Option<&Measured> {
        match self {
            Self::Measured(measured) => Some(measured),
            Self::Refused { .. } | Self::Failed { .. } => None,
        }
    }
}

/// The times of a backend that answered right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Whole runs after the first: inputs written, computed, outputs read back.
    pub warm: Summary,
    /// Why no more of them were measured.
    pub stop: Stop,
    /// What happened once, before them.
    pub cold: Cold,
    /// The parts of a warm run, where the backend has such.
    pub split: Option<Split>,
    /// What the backend's own clock says of a run, and against what.
    pub device: Option<DeviceTime>,
}

/// What a run with shapes that were not seen before takes, once, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cold {
    /// The graph made from the model for these shapes.
    pub graph: f64,
    /// A session made: passes, weights uploaded.
    pub session: f64,
    /// Shapes planned, kernels compiled, inputs uploaded. Kernels that an earlier size or case compiled on the same device are
    /// there already.
    pub plan: f64,
    /// The first run: computed and read back.
    pub first_run: f64,
}

impl Cold {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.graph + self.session + self.plan + self.first_run
    }
}

/// The parts of a warm run: medians of runs of their own, which wait after each part. They add up to more than a run that does not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Inputs written.
    pub upload: f64,
    /// Commands encoded and submitted.
    pub dispatch: f64,
    /// Waited until the device is done.
    pub wait: f64,
    /// Outputs copied to the host, waited for and made arrays.
    pub read_back: f64,
}

/// The device's own time for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceTime {
    /// All kernel calls, the least of several runs.
    pub seconds: f64,
    /// What it was measured by.
    pub timing: String,
    /// Bytes that any implementation moves: inputs, weights and outputs of every operator once each.
    pub bytes: u64,
    /// 10^9 floating-point operations a second that the device reaches at most.
    pub ceiling_gflops: f64,
    /// 10^9 bytes a second that it copies at most.
    pub ceiling_gbs: f64,
    /// The least time that the operators can take by these two, over the time they took.
    pub of_ceiling: f64,
}

impl Report {
    /// What a report's file says that it is.
    pub const FORMAT: &'static str = "convoke-bench-1";

    /// Whether a backend answered wrong, or could not run.
    pub fn has_failed(&self) -> bool {
        self.outcomes().any(|outcome| outcome.measured().is_none())
    }

    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.cases
            .iter()
            .flat_map(|case| case.points.iter().flat_map(|point| &point.outcomes))
    }

    /// The report as a file holds it.
    ///
    /// Errors: a number that JSON does not have.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::invalid("benchmark", format!("a report as JSON: {error}")))
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// Errors: anything else.
    pub fn from_json(text: &str) -> Result<Self> {
        let not = |why: &str| Error::invalid("benchmark", format!("not a report of `convoke bench`: {why}"));
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| not(&error.to_string()))?;
        match value.get("format").and_then(serde_json::Value::as_str) {
            Some(Self::FORMAT) => {}
            Some(other) => return Err(not(&format!("its format is {other:?}, not {:?}", Self::FORMAT))),
            None => return Err(not("there is no \"format\"")),
        }
        let report: Self = serde_json::from_value(value).map_err(|error| not(&error.to_string()))?;
        let backends = report.backends.len();
        let fits = |point: &PointReport| point.outcomes.len() == backends;
        if report.cases.iter().all(|case| case.points.iter().all(fits)) {
            return Ok(report);
        }
        Err(not("a size has not as many results as there are backends"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::statistics::Summary;

    /// Times with a median that is known to ±1 %, and a cold start of so many seconds.
    pub(crate) fn measured(median: f64, cold: f64) -> Measured {
        let times = [0.99 * median, median, median, median, median, 1.01 * median];
        Measured {
            warm: Summary::new(&times).unwrap(),
            stop: Stop::Precision,
            cold: Cold {
                graph: 0.0,
                session: 0.0,
                plan: 0.75 * cold,
                first_run: 0.25 * cold,
            },
            split: Some(Split {
                upload: 0.1 * median,
                dispatch: 0.1 * median,
                wait: 0.7 * median,
                read_back: 0.1 * median,
            }),
            device: Some(DeviceTime {
                seconds: 0.6 * median,
                timing: "a clock".to_owned(),
                bytes: 1000,
                ceiling_gflops: 100.0,
                ceiling_gbs: 10.0,
                of_ceiling: 0.25,
            }),
        }
    }

    /// A model at these batches on two backends; where there are no times the answer was wrong.
    pub(crate) fn report(points: &[(usize, Option<Measured>, Option<Measured>)]) -> Report {
        let outcome = |measured: &Option<Measured>| match measured {
            Some(measured) => Outcome::Measured(Box::new(measured.clone())),
            None => Outcome::Refused {
                layer: "layer".to_owned(),
                operator: "conv2d".to_owned(),
                message: "off, by much".to_owned(),
            },
        };
        let points = points.iter().map(|(size, first, second)| PointReport {
            size: *size,
            inputs: vec![vec![*size, 3]],
            flops: 2_000_000,
            outcomes: vec![outcome(first), outcome(second)],
        });
        let backend = |kind: &str, label: &str| BackendReport {
            kind: kind.to_owned(),
            label: label.to_owned(),
            description: format!("{label} (described)"),
            start: 0.0,
        };
        Report {
            format: Report::FORMAT.to_owned(),
            environment: Environment::read(),
            rule: Rule::default(),
            model: Some(ModelFile::new("model.onnx", b"model")),
            backends: vec![backend("gpu", "first"), backend("reference", "second")],
            cases: vec![CaseReport {
                name: "model".to_owned(),
                description: "a model".to_owned(),
                sweep: Some(Sweep::Batch),
                read: Some(0.0),
                points: points.collect(),
            }],
        }
    }

    #[test]
    fn files_are_told_apart_by_their_content() {
        // Fowler, Noll and Vo's own test vectors.
        assert_eq!(ModelFile::new("m", b"").hash, "cbf29ce484222325");
        assert_eq!(ModelFile::new("m", b"foobar").hash, "85944171f73967e8");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let message = |text: &str| Report::from_json(text).unwrap_err().to_string();
        assert!(message("Dear reader,").contains("not a report of `convoke bench`"));
        assert!(message("{\"layers\": []}").contains("there is no \"format\""));
        assert!(message("{\"format\": \"convoke-bench-9\"}").contains("convoke-bench-9"));
        assert!(message("{\"format\": \"convoke-bench-1\"}").contains("missing field"));
    }
}
