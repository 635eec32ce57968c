//! Weights by name, from safetensors files.

use std::collections::BTreeMap;

use ndarray::ArrayD;
#[cfg(feature = "safetensors")]
use {ndarray::IxDyn, safetensors::Dtype, std::path::Path};

use crate::error::{Error, Result};

/// Tensors by name: a PyTorch `state_dict`.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, ArrayD<f32>>,
    /// What a file holds beside real numbers, by name, with the reason why no layer can have it.
    others: BTreeMap<String, String>,
}

impl Weights {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a safetensors file; see [`from_safetensors`](Self::from_safetensors).
    ///
    /// Errors: a file that cannot be read or is not safetensors; the message names it, and says so where it is what
    /// `torch.save` writes.
    #[cfg(feature = "safetensors")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        Self::from_safetensors(&bytes).map_err(|error| match error {
            Error::Weights(message) => Error::Weights(format!("{}: {message}", path.display())),
            other => other,
        })
    }

    /// Reads the content of a safetensors file. Real numbers become `f32`: F16 and BF16 exactly, F64 rounded to the nearest.
    ///
    /// Tensors of other types (whole numbers such as `BatchNorm2d`'s `num_batches_tracked`, masks), and those of F64 with a
    /// number beyond `f32`, are kept by name only: [`tensor`](Self::tensor) refuses them, and nobody else is troubled.
    ///
    /// Errors: content that is not safetensors; where it is what `torch.save` writes, the message says what to do.
    #[cfg(feature = "safetensors")]
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| Error::Weights(not_safetensors(bytes, &error)))?;
        let mut weights = Self::new();
        for (name, view) in file.iter() {
            match reals(view.dtype(), view.data()) {
                Ok(elements) => {
                    let array = ArrayD::from_shape_vec(IxDyn(view.shape()), elements)
                        .map_err(|error| Error::Weights(format!("tensor {name:?}: {error}")))?;
                    weights.insert(name, array);
                }
                Err(reason) => drop(weights.others.insert(name.to_owned(), reason)),
            }
        }
        Ok(weights)
    }

    /// Adds a tensor, or replaces the one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, array: ArrayD<f32>) {
        let name = name.into();
        self.others.remove(&name);
        self.tensors.insert(name, array);
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&ArrayD<f32>> {
        self.tensors.get(name)
    }

    /// The tensor of this name, or why there is none.
    ///
    /// Errors: no such name, with the prefix under which it exists where there is one; a tensor that does not hold real
    /// numbers, or holds one beyond `f32`.
    pub fn tensor(&self, name: &str) -> Result<&ArrayD<f32>> {
        self.get(name).ok_or_else(|| {
            let problem = match (self.others.get(name), self.prefix_of(name)) {
                (Some(reason), _) => reason.clone(),
                (None, Some(prefix)) => format!("is missing; {prefix}{name} is there: {}", advice(prefix)),
                (None, None) => "is missing".to_owned(),
            };
            Error::Weights(format!("{name} {problem}"))
        })
    }

    /// The names of all tensors that [`get`](Self::get) gives, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Takes a prefix off every name that begins with it, such as `model.` or `module.`, which wrappers of a model leave in
    /// its `state_dict`. Other names stay as they are.
    ///
    /// Errors: no name begins with it; a name that is then there twice.
    ///
    /// ```
    /// use convoke::weights::Weights;
    ///
    /// let mut weights = Weights::new();
    /// weights.insert("module.0.bias", ndarray::arr1(&[1.0]).into_dyn());
    /// assert!(weights.tensor("0.bias").unwrap_err().to_string().contains("strip_prefix(\"module.\")"));
    /// let weights = weights.strip_prefix("module.")?;
    /// assert_eq!(weights.tensor("0.bias")?.len(), 1);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn strip_prefix(self, prefix: &str) -> Result<Self> {
        let found = self
            .tensors
            .keys()
            .chain(self.others.keys())
            .any(|name| name.starts_with(prefix));
        if !found {
            let first = self
                .names()
                .next()
                .map_or_else(String::new, |name| format!(", the first is {name:?}"));
            return Err(Error::Weights(format!(
                "expected names that begin with {prefix:?}, but got none{first}"
            )));
        }
        let count = self.tensors.len() + self.others.len();
        let stripped = |name: String| name.strip_prefix(prefix).map_or_else(|| name.clone(), str::to_owned);
        let mut others = BTreeMap::new();
        for (name, reason) in self.others {
            others.insert(stripped(name), reason);
        }
        let mut tensors = BTreeMap::new();
        for (name, array) in self.tensors {
            tensors.insert(stripped(name), array);
        }
        let twice = tensors.keys().find(|name| others.contains_key(*name));
        if tensors.len() + others.len() < count || twice.is_some() {
            return Err(Error::Weights(format!(
                "without the prefix {prefix:?} two tensors would have the same name"
            )));
        }
        Ok(Self { tensors, others })
    }

    /// Whether a tensor of this name was read that no layer can have, and why.
    pub(crate) fn unusable(&self, name: &str) -> Option<&str> {
        self.others.get(name).map(String::as_str)
    }

    /// The shortest prefix, up to and with a dot, under which this name is there.
    pub(crate) fn prefix_of(&self, name: &str) -> Option<&str> {
        let prefixes = self.names().filter_map(|longer| longer.strip_suffix(name));
        prefixes
            .filter(|prefix| prefix.ends_with('.'))
            .min_by_key(|prefix| prefix.len())
    }
}

/// How to be rid of a prefix.
pub(crate) fn advice(prefix: &str) -> String {
    format!("Weights::strip_prefix({prefix:?}) takes the prefix off")
}

/// Little-endian reals as `f32`, or why they cannot be that.
#[cfg(feature = "safetensors")]
fn reals(dtype: Dtype, bytes: &[u8]) -> std::result::Result<Vec<f32>, String> {
    let pairs = || bytes.as_chunks::<2>().0.iter().copied();
    match dtype {
        Dtype::F32 => Ok(bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()),
        Dtype::F16 => Ok(pairs().map(|pair| half::f16::from_le_bytes(pair).to_f32()).collect()),
        Dtype::BF16 => Ok(pairs().map(|pair| half::bf16::from_le_bytes(pair).to_f32()).collect()),
        Dtype::F64 => {
            let round = |number: f64| {
                let rounded = number as f32;
                if rounded.is_infinite() && number.is_finite() {
                    return Err(format!("holds {number:e}, which is beyond f32"));
                }
                Ok(rounded)
            };
            bytes
                .as_chunks()
                .0
                .iter()
                .copied()
                .map(f64::from_le_bytes)
                .map(round)
                .collect()
        }
        other => Err(format!("is {other:?}, but F16, BF16, F32 or F64 is expected")),
    }
}

/// What is wrong with bytes that are not safetensors. What `torch.save` writes is a zip archive, formerly a pickle.
#[cfg(feature = "safetensors")]
fn not_safetensors(bytes: &[u8], error: &safetensors::SafeTensorError) -> String {
    const ADVICE: &str = "expected safetensors; in Python, \
        safetensors.torch.save_file(model.state_dict(), \"model.safetensors\") writes it";
    if bytes.starts_with(b"PK\x03\x04") {
        return format!("this is a zip archive, as torch.save writes it (.pt, .pth), but {ADVICE}");
    }
    if matches!(bytes, [0x80, 2..=5, ..]) {
        return format!("this is a Python pickle, as torch.save wrote it (.pt, .pth), but {ADVICE}");
    }
    format!("not a readable safetensors file: {error}")
}

#[cfg(test)]
#[cfg(feature = "safetensors")]
mod tests {
    use super::*;

    fn tensor(dtype: Dtype, bytes: &[u8]) -> Vec<u8> {
        let count = bytes.len() * 8 / dtype.bitsize();
        let view = safetensors::tensor::TensorView::new(dtype, vec![count], bytes).unwrap();
        safetensors::serialize([("model.x", view)], None).unwrap()
    }

    fn read(dtype: Dtype, bytes: &[u8]) -> Result<Vec<f32>> {
        let weights = Weights::from_safetensors(&tensor(dtype, bytes))?;
        weights.tensor("model.x").map(|array| array.iter().copied().collect())
    }

    #[test]
    fn reals_of_every_width_become_f32() {
        assert_eq!(read(Dtype::F32, &0.1_f32.to_le_bytes()).unwrap(), [0.1]);
        // 1.0009765625 and the smallest subnormal; -1.0078125 and infinity.
        let halves = read(Dtype::F16, &[0x01, 0x3C, 0x01, 0x00]).unwrap();
        assert_eq!(halves, [1.0 + f32::exp2(-10.0), f32::exp2(-24.0)]);
        assert_eq!(
            read(Dtype::BF16, &[0x81, 0xBF, 0x80, 0x7F]).unwrap(),
            [-1.007_812_5, f32::INFINITY]
        );
        let doubles = [0.1_f64, f64::NEG_INFINITY].map(f64::to_le_bytes).concat();
        assert_eq!(read(Dtype::F64, &doubles).unwrap(), [0.1, f32::NEG_INFINITY]);
        assert!(read(Dtype::F64, &f64::NAN.to_le_bytes()).unwrap()[0].is_nan());
    }

    #[test]
    fn what_no_layer_can_have_is_refused_only_where_it_is_asked_for() {
        let message = read(Dtype::I64, &[1; 8]).unwrap_err().to_string();
        assert!(
            message.contains("model.x is I64, but F16, BF16, F32 or F64 is expected"),
            "{message}"
        );
        let message = read(Dtype::F64, &1e300_f64.to_le_bytes()).unwrap_err().to_string();
        assert!(message.contains("model.x holds 1e300, which is beyond f32"), "{message}");
        let weights = Weights::from_safetensors(&tensor(Dtype::BOOL, &[1])).unwrap();
        assert_eq!((weights.names().count(), weights.get("model.x")), (0, None));
        assert!(
            weights
                .strip_prefix("model.")
                .unwrap()
                .tensor("x")
                .unwrap_err()
                .to_string()
                .contains("BOOL")
        );
    }

    #[test]
    fn prefixes_are_suggested_and_stripped() {
        let weights = Weights::from_safetensors(&tensor(Dtype::F32, &[0; 4])).unwrap();
        let message = weights.tensor("x").unwrap_err().to_string();
        assert!(
            message.contains("x is missing; model.x is there: Weights::strip_prefix(\"model.\")"),
            "{message}"
        );
        assert!(!weights.tensor("odel.x").unwrap_err().to_string().contains("strip_prefix"));
        let message = weights.clone().strip_prefix("module.").unwrap_err().to_string();
        assert!(
            message.contains("begin with \"module.\"") && message.contains("\"model.x\""),
            "{message}"
        );
        let mut twice = weights.clone();
        twice.insert("x", ArrayD::zeros(IxDyn(&[2])));
        assert!(
            twice
                .strip_prefix("model.")
                .unwrap_err()
                .to_string()
                .contains("the same name")
        );
        let stripped = weights.strip_prefix("model.").unwrap();
        assert_eq!(stripped.names().collect::<Vec<_>>(), ["x"]);
    }

    #[test]
    fn what_torch_save_writes_is_named_with_what_to_do() {
        let message = |bytes: &[u8]| Weights::from_safetensors(bytes).unwrap_err().to_string();
        for (bytes, kind) in [
            (&b"PK\x03\x04\0\0\x08\x08rest of an archive"[..], "zip archive"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "Python pickle"),
        ] {
            let message = message(bytes);
            assert!(
                message.contains(kind) && message.contains("safetensors.torch.save_file("),
                "{message}"
            );
        }
        assert!(message(b"Dear reader,").contains("not a readable safetensors file: "));
        // A header of 640 bytes begins like a pickle.
        let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
        let pad = |width: usize| safetensors::serialize([("x".repeat(width), view.clone())], None).unwrap();
        let like_a_pickle = (500..640).map(pad).find(|bytes| bytes.starts_with(&[0x80, 2]));
        assert!(Weights::from_safetensors(&like_a_pickle.unwrap()).is_ok());
    }
}
