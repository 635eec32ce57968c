//! Tuning plans as JSON: small, to be read and written by hand as well, and refused where anything is unknown.

use std::fmt::Write;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Candidate, CandidateOutcome, TunedAdapter, TunedLayer, TuningPlan};
use crate::error::{Error, Result, ensure};
use crate::gpu::choose::signature::LayerSignature;
use crate::json_file::{self, locate};

const NAME: &str = "tuning plan";

/// The file but for its layers, which are read one by one, so that what is wrong with one can name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Checked before.
    #[serde(rename = "format")]
    _format: String,
    convoke: String,
    adapter: TunedAdapter,
    layers: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    layer: LayerSignature,
    choice: String,
    by_rule: Option<String>,
    #[serde(default)]
    candidates: Vec<Tried>,
}

/// One of the three outcomes is there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    choice: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    microseconds: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    least: f64,
    median: f64,
    interval: [f64; 2],
    samples: usize,
}

impl TuningPlan {
    /// What `format` says in a file.
    pub const FORMAT: &str = "convoke tuning plan 1";

    /// Reads what [`to_json`](Self::to_json) wrote, or somebody by hand. Whether a device can compute by it is asked later, by
    /// [`Gpu::with_tuning`](crate::Gpu::with_tuning).
    ///
    /// Errors: text that is no JSON; another format; a field or a name of a kernel that is not known; a layer that comes twice.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| Error::invalid(NAME, error.to_string()))?;
        let format = value.get("format").and_then(Value::as_str);
        ensure!(
            format == Some(Self::FORMAT),
            NAME,
            "\"format\": {:?} is expected, and {} came",
            Self::FORMAT,
            value.get("format").map_or_else(|| "none".to_owned(), Value::to_string)
        );
        let file: File = read(value)?;
        let mut layers: Vec<TunedLayer> = Vec::new();
        for (index, layer) in file.layers.into_iter().enumerate() {
            let layer = read_layer(&layer).map_err(|error| locate(NAME, error, &format!("layers[{index}]")))?;
            let twice = layers.iter().position(|known| known.layer == layer.layer);
            ensure!(
                twice.is_none(),
                NAME,
                "layers[{index}]: each layer is expected once, and {} is layers[{}] already",
                layer.layer,
                twice.unwrap_or_default()
            );
            layers.push(layer);
        }
        Ok(Self {
            convoke: file.convoke,
            adapter: file.adapter,
            layers,
        })
    }

    /// The plan as text, layer by layer in their order.
    ///
    /// Errors: none that are known of.
    pub fn to_json(&self) -> Result<String> {
        let mut text = String::from("{\n");
        for (name, value) in [
            ("format", line(Self::FORMAT)?),
            ("convoke", line(&self.convoke)?),
            ("adapter", line(&self.adapter)?),
        ] {
            let _ = writeln!(text, "  \"{name}\": {value},");
        }
        let layers = self.layers.iter().map(layer_text).collect::<Result<Vec<_>>>()?;
        let _ = writeln!(text, "  \"layers\": [{}]\n}}", list(&layers, 4));
        Ok(text)
    }

    /// Reads a file.
    ///
    /// Errors: a file that cannot be read or is larger than 64 MiB; as [`from_json`](Self::from_json).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        json_file::open(NAME, path.as_ref(), Self::from_json)
    }

    /// Writes a file, over one that is there.
    ///
    /// Errors: a file that cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json()?).map_err(Error::io(path))
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::invalid(NAME, error.to_string()))
}

fn read_layer(value: &Value) -> Result<TunedLayer> {
    // The layer by itself first: whatever else is wrong can name it.
    let named = match value.get("layer") {
        Some(layer) => format!("the layer {}", read::<LayerSignature>(layer.clone())?),
        None => String::from("no \"layer\""),
    };
    let parse = || {
        let Entry {
            layer,
            choice,
            by_rule,
            candidates,
        } = read(value.clone())?;
        Ok(TunedLayer {
            layer,
            choice: choice.parse()?,
            by_rule: by_rule.map(|text| text.parse()).transpose()?,
            candidates: candidates.into_iter().map(Tried::read).collect::<Result<_>>()?,
        })
    };
    parse().map_err(|error| locate(NAME, error, &named))
}

impl Tried {
    fn read(self) -> Result<Candidate> {
        let outcome = match (self.microseconds, self.wrong, self.failed) {
            (Some(times), None, None) => CandidateOutcome::Measured {
                least: times.least,
                median: times.median,
                interval: times.interval,
                samples: times.samples,
            },
            (None, Some(message), None) => CandidateOutcome::Wrong(message),
            (None, None, Some(message)) => CandidateOutcome::Failed(message),
            _ => {
                let expected = "one of `microseconds`, `wrong` and `failed` is expected of each candidate";
                return Err(Error::invalid(
                    NAME,
                    format!("{expected}, and of {} more or none came", self.choice),
                ));
            }
        };
        Ok(Candidate {
            choice: self.choice.parse()?,
            outcome,
        })
    }

    fn new(candidate: &Candidate) -> Self {
        let (mut microseconds, mut wrong, mut failed) = (None, None, None);
        match candidate.outcome.clone() {
            CandidateOutcome::Measured {
                least,
                median,
                interval,
                samples,
            } => {
                microseconds = Some(Times {
                    least,
                    median,
                    interval,
                    samples,
                });
            }
            CandidateOutcome::Wrong(message) => wrong = Some(message),
            CandidateOutcome::Failed(message) => failed = Some(message),
        }
        Self {
            choice: candidate.choice.to_string(),
            microseconds,
            wrong,
            failed,
        }
    }
}

/// A layer on a few lines.
fn layer_text(tuned: &TunedLayer) -> Result<String> {
    let mut fields = vec![
        format!("\"layer\": {}", line(&tuned.layer)?),
        format!("\"choice\": {}", line(&tuned.choice.to_string())?),
    ];
    if let Some(by_rule) = tuned.by_rule {
        fields.push(format!("\"by_rule\": {}", line(&by_rule.to_string())?));
    }
    if !tuned.candidates.is_empty() {
        let candidates = tuned.candidates.iter().map(|candidate| line(&Tried::new(candidate)));
        fields.push(format!(
            "\"candidates\": [{}]",
            list(&candidates.collect::<Result<Vec<_>>>()?, 8)
        ));
    }
    Ok(format!("{{{}}}", list(&fields, 6)))
}

fn line(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::invalid(NAME, error.to_string()))
}

/// Each on a line of its own.
fn list(items: &[String], indent: usize) -> String {
    if items.is_empty() {
        return String::new();
    }
    let (inner, outer) = (" ".repeat(indent), " ".repeat(indent - 2));
    format!("\n{inner}{}\n{outer}", items.join(&format!(",\n{inner}")))
}

/// A class by its name.
pub(super) mod class {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::gpu::device::device_class::DeviceClass;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde says so")]
    pub(crate) fn serialize<S: Serializer>(class: &DeviceClass, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(class.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeviceClass, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = DeviceClass::ALL.into_iter().find(|class| class.name() == name);
        known.ok_or_else(|| {
            let expected = DeviceClass::ALL.map(DeviceClass::name).join(", ");
            D::Error::custom(format!("a class of device ({expected}) is expected, and {name:?} came"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::device::device_class::DeviceClass;

    fn plan() -> TuningPlan {
        let conv = LayerSignature::Conv2d {
            input: [1, 64, 56, 48],
            out_channels: 32,
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 0, 1, 0],
            dilation: [1, 1],
            groups: 1,
            weight_varies: false,
        };
        let matmul = LayerSignature::MatMul {
            matrices: 12,
            rows: 64,
            inner: 33,
            columns: 65,
            left_varies: true,
        };
        let candidate = |choice: &str, outcome| Candidate {
            choice: choice.parse().unwrap(),
            outcome,
        };
        TuningPlan {
            convoke: "0.1.0".to_owned(),
            adapter: TunedAdapter {
                name: "an \"adapter\"".to_owned(),
                backend: "vulkan".to_owned(),
                driver: "1".to_owned(),
                class: DeviceClass::Integrated,
            },
            layers: vec![
                TunedLayer {
                    layer: conv,
                    choice: "winograd gemm_tiled 64x64 splits=1".parse().unwrap(),
                    by_rule: Some("tiled 32x128 splits=4".parse().unwrap()),
                    candidates: vec![
                        candidate(
                            "direct",
                            CandidateOutcome::Measured {
                                least: 10.5,
                                median: 12.3,
                                interval: [11.0, 14.25],
                                samples: 17,
                            },
                        ),
                        candidate("direct_broadcast", CandidateOutcome::Wrong("3 of 4 differ".to_owned())),
                        candidate("depthwise", CandidateOutcome::Failed("no memory".to_owned())),
                    ],
                },
                TunedLayer::new(matmul, "matmul".parse().unwrap()),
            ],
        }
    }

    #[test]
    fn plans_are_read_as_they_were_written() {
        let text = plan().to_json().unwrap();
        assert_eq!(TuningPlan::from_json(&text).unwrap(), plan(), "{text}");
        // A line for each field, the layer readable.
        let line = r#"      "layer": {"operator":"conv2d","input":[1,64,56,48],"out_channels":32,"kernel":[3,3],"stride":[1,1],"padding":[1,0,1,0],"dilation":[1,1],"groups":1},"#;
        assert!(text.lines().any(|own| own == line), "{text}");
        assert!(
            text.contains(r#""left_varies":true"#) && text.contains(r#""class":"integrated""#),
            "{text}"
        );
        let empty = TuningPlan {
            layers: Vec::new(),
            ..plan()
        };
        assert_eq!(TuningPlan::from_json(&empty.to_json().unwrap()).unwrap(), empty);
    }

    #[test]
    fn what_is_unknown_missing_or_twice_is_refused_and_named() {
        let text = plan().to_json().unwrap();
        let conv = "layers[0]: the layer conv2d 1x64x56x48 to 32, kernel 3, padding 1x0x1x0: ";
        for (from, to, parts) in [
            (
                "convoke tuning plan 1",
                "convoke tuning plan 2",
                ["\"convoke tuning plan 1\" is expected", "plan 2"],
            ),
            ("\"format\"", "\"forma\"", ["is expected", "none came"]),
            ("\"adapter\"", "\"adaptor\"", ["unknown field `adaptor`", "adapter"]),
            (
                "\"integrated\"",
                "\"huge\"",
                ["a class of device (software, integrated, discrete)", "\"huge\" came"],
            ),
            (
                "\"winograd gemm_tiled",
                "\"winogrand gemm_tiled",
                [conv, "winograd, winograd_large, gemm"],
            ),
            (
                "gemm_tiled 64x64",
                "gemm_tiled 64x65",
                [conv, "(128x128, 64x64, 32x128, 32x32)"],
            ),
            ("64x64 splits=1", "64x64 splits=0", [conv, "number above 0"]),
            ("64x64 splits=1", "64x64 splits=01", [conv, "number above 0"]),
            ("64x64 splits=1", "64x64", [conv, "splits="]),
            ("\"direct\"", "\"indirect\"", [conv, "\"indirect\" came"]),
            ("\"choice\":\"depthwise\",", "", [conv, "missing field `choice`"]),
            ("\"failed\"", "\"fooled\"", [conv, "unknown field `fooled`"]),
            ("\"by_rule\"", "\"by_hand\"", [conv, "unknown field `by_hand`"]),
            ("\"groups\":1", "\"group\":1", ["layers[0]: ", "unknown field `group`"]),
            ("\"groups\":1", "\"groups\":-1", ["layers[0]: ", "-1"]),
            (",\"groups\":1", "", ["layers[0]: ", "missing field `groups`"]),
            ("\"conv2d\"", "\"conv3d\"", ["layers[0]: ", "unknown variant `conv3d`"]),
            ("\"layers\": [", "\"layers\": [7, ", ["layers[0]: ", "no \"layer\""]),
        ] {
            assert!(text.contains(from), "{from}");
            let error = TuningPlan::from_json(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with("tuning plan: "), "{error}");
            for part in parts {
                assert!(error.contains(part), "{from} -> {to}: {error}");
            }
        }
        for text in ["", "{", "[]", "7", "{}", &text[..text.len() / 2]] {
            assert!(TuningPlan::from_json(text).is_err(), "{text}");
        }
        let mut twice = plan();
        twice.layers.push(twice.layers[0].clone());
        let error = TuningPlan::from_json(&twice.to_json().unwrap()).unwrap_err().to_string();
        assert!(
            error.contains("layers[2]") && error.contains("is layers[0] already"),
            "{error}"
        );
    }

    #[test]
    fn files_that_are_not_there_are_named() {
        let error = TuningPlan::open("no/such/plan.json").unwrap_err().to_string();
        assert!(error.starts_with("no/such/plan.json: "), "{error}");
    }
}
