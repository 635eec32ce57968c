//! What a model reads: arrays, pictures or random numbers, by the names of its inputs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args;
use convoke::graph::Graph;
use convoke::onnx::{Model, Shapes, TensorInfo};
use convoke::testing::Random;
use ndarray::ArrayD;
use ndarray_npy::{ViewNpyError, ViewNpyExt};

use super::picture::PictureOptions;

/// The largest array that is read from a file.
const MOST_BYTES: u64 = 4 << 30;

/// Where the inputs of a model come from.
#[derive(Args, Debug)]
pub(super) struct InputArguments {
    /// What an input reads; NAME= may be left out where the model has one input.
    ///
    /// An array of floats from a .npy file; a PNG or JPEG picture, for inputs [N, 1, H, W] and [N, 3, H, W]; or `random`
    /// numbers, the same in each run. For [N, 1, 28, 28] a picture is read as the scan of a handwritten digit, ink on
    /// paper, unless an option for pictures is given. Pictures stand on white paper where they are transparent, and are
    /// not turned by what a camera noted.
    #[arg(long, value_name = "[NAME=]FILE|random", value_parser = source)]
    input: Vec<(Option<String>, String)>,
    #[command(flatten)]
    picture: PictureOptions,
}

/// A graph and what its inputs read.
type Prepared = (Graph, Vec<ArrayD<f32>>);

fn source(text: &str) -> Result<(Option<String>, String), String> {
    let (name, source) = match text.split_once('=') {
        Some((name, source)) => (Some(name.to_owned()), source),
        None => (None, text),
    };
    if source.is_empty() {
        return Err("a file or `random` is expected".to_owned());
    }
    Ok((name, source.to_owned()))
}

impl InputArguments {
    /// The graph for the shapes of its inputs, and the inputs: each read from its source. `default` is for those that
    /// nothing is said of; without it that is an error.
    pub(super) fn prepare(&self, model: &Model, default: Option<&str>) -> Result<Prepared, Box<dyn std::error::Error>> {
        let given = self.named(model)?;
        let mut shapes = Shapes::new();
        let mut arrays = Vec::new();
        let mut pictures = 0;
        for info in model.inputs() {
            let source = given
                .iter()
                .find(|(name, _)| *name == info.name)
                .map(|(_, source)| source.as_str());
            let source = source.or(default).ok_or_else(|| {
                format!(
                    "input {info} is missing: --input {}=FILE.npy, a picture, or random",
                    info.name
                )
            })?;
            if source == "random" {
                arrays.push(None);
                continue;
            }
            let array = match Kind::of(source) {
                Some(Kind::Array) => read_npy(Path::new(source)),
                Some(Kind::Picture) => {
                    pictures += 1;
                    self.picture.read(Path::new(source), info).map(ndarray::Array4::into_dyn)
                }
                None => Err("neither .npy, .png, .jpg nor random".to_owned()),
            };
            let array = array.map_err(|error| format!("{source}: {error}"))?;
            shapes = shapes.input(&info.name, array.shape());
            arrays.push(Some(array));
        }
        if self.picture.any() && pictures == 0 {
            return Err("options for pictures are given, but no input is a picture".into());
        }
        let input_shapes = model.input_shapes(&shapes)?;
        let graph = model.graph(&shapes)?;
        // Only now: the graph's inputs are within the budget.
        let mut random = Random::new(0);
        let inputs = arrays
            .into_iter()
            .zip(&input_shapes)
            .map(|(array, shape)| array.unwrap_or_else(|| random.reals(shape)))
            .collect();
        Ok((graph, inputs))
    }

    /// The sources with the names of their inputs.
    fn named(&self, model: &Model) -> Result<Vec<(String, String)>, String> {
        let named = self.input.iter().map(|(name, source)| {
            let name = match (name, model.inputs()) {
                (Some(name), _) => name,
                (None, [only]) => &only.name,
                (None, inputs) => return Err(format!("--input {source} needs a NAME=; there is {}", list(inputs))),
            };
            Ok((name.clone(), source.clone()))
        });
        let named = named.collect::<Result<Vec<_>, _>>()?;
        check_names("input", &named, model.inputs())?;
        Ok(named)
    }
}

enum Kind {
    Array,
    Picture,
}

impl Kind {
    fn of(source: &str) -> Option<Self> {
        let extension = Path::new(source).extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "npy" => Some(Self::Array),
            "png" | "jpg" | "jpeg" => Some(Self::Picture),
            _ => None,
        }
    }
}

/// Refuses what is not there, or twice.
pub(super) fn check_names(kind: &str, given: &[(String, String)], known: &[TensorInfo]) -> Result<(), String> {
    for (index, (name, _)) in given.iter().enumerate() {
        if known.iter().all(|info| info.name != *name) {
            return Err(format!("there is no {kind} {name:?}; there is {}", list(known)));
        }
        if given[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("{kind} {name:?} is given twice"));
        }
    }
    Ok(())
}

fn list(infos: &[TensorInfo]) -> String {
    infos.iter().map(TensorInfo::to_string).collect::<Vec<_>>().join(", ")
}

/// Of `f32`, or of `f64`, which is rounded. The header is not trusted: the elements must be there.
fn read_npy(path: &Path) -> Result<ArrayD<f32>, String> {
    let io = |error: std::io::Error| error.to_string();
    let metadata = path.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err("not a plain file".to_owned());
    }
    if !(1..=MOST_BYTES).contains(&metadata.len()) {
        return Err(format!("{} bytes, and 1 to {MOST_BYTES} are read", metadata.len()));
    }
    // Aligned for either type.
    let mut words = vec![0_u64; (metadata.len() as usize).div_ceil(8)];
    let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..metadata.len() as usize];
    File::open(path).and_then(|mut file| file.read_exact(bytes)).map_err(io)?;
    match ndarray::ArrayViewD::<f32>::view_npy(bytes) {
        Ok(view) => Ok(view.to_owned()),
        Err(ViewNpyError::WrongDescriptor(_)) => match ndarray::ArrayViewD::<f64>::view_npy(bytes) {
            Ok(view) => Ok(view.mapv(|value| value as f32)),
            Err(error) => Err(format!("not an array of floats: {error}")),
        },
        Err(error) => Err(format!("not a readable .npy file: {error}")),
    }
}
