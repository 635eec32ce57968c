//! What a model reads: arrays, pictures or random numbers, by the names of its inputs.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use convoke::onnx::TensorInfo;
use convoke::session::Certificate;
use convoke::testing::Random;
use convoke::{DType, Tensor, TensorView};
use convoke_cli::npy;
use convoke_vision::EXTENSIONS;

use super::picture::PictureOptions;
use super::reads::Reads;
use super::shapes::{shape, shapes_of};
use super::{layout, limits};

/// The most that is read from a file, and the most that the pictures of a folder make together.
const MOST_BYTES: u64 = 4 << 30;

/// Where the inputs of a model come from.
#[derive(Args, Clone, Debug)]
pub(super) struct InputArguments {
    /// What an input reads; NAME= may be left out where the model has one input.
    ///
    /// An array from a .npy file, of the type that the input is declared with; inputs of floats take floats of any width and whole
    /// numbers that f32 holds exactly; a picture (PNG, JPEG, WebP, BMP, the first
    /// frame of a GIF), for inputs [N, C, H, W] and [N, H, W, C] of 1 or 3 channels; a folder of such pictures, each a run
    /// of its own; `-`, which is an array or a picture from stdin; or `random` numbers, the same in each run. Pictures stand
    /// upright, as a camera noted, and on white paper where they are transparent.
    #[arg(long, value_name = "[NAME=]FILE|FOLDER|-|random", value_parser = source)]
    input: Vec<(Option<String>, String)>,
    /// The shape of an input that the file leaves open, for random numbers; otherwise an open first extent is 1.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
    /// What random numbers are drawn from; 0 where nothing is said.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    picture: PictureOptions,
}

/// What the inputs of a model read: once, or for each picture of a folder.
#[derive(Debug)]
pub(super) struct Feeds {
    /// In the order of the inputs; of a folder the first picture.
    inputs: Vec<Tensor>,
    folder: Option<Folder>,
    /// What random numbers were drawn from, where there are any.
    seed: Option<u64>,
}

#[derive(Debug)]
struct Folder {
    /// The input that reads it.
    input: usize,
    paths: Vec<PathBuf>,
    pictures: Vec<Tensor>,
}

impl Feeds {
    /// What is read run by run.
    pub(super) fn runs(&self) -> Vec<Vec<TensorView<'_>>> {
        let views = || self.inputs.iter().map(Tensor::view).collect::<Vec<_>>();
        let Some(folder) = &self.folder else {
            return vec![views()];
        };
        let mut runs = Vec::new();
        for picture in &folder.pictures {
            let mut inputs = views();
            inputs[folder.input] = picture.view();
            runs.push(inputs);
        }
        runs
    }

    /// What is read by the only run.
    ///
    /// Errors: several pictures.
    pub(super) fn only(&self) -> Result<Vec<TensorView<'_>>, String> {
        match self.pictures().len() {
            0 | 1 => Ok(self.inputs.iter().map(Tensor::view).collect()),
            count => Err(format!(
                "one picture is expected, but the folder has {count}; `run` takes them all"
            )),
        }
    }

    /// What random numbers were drawn from, where there are any.
    pub(super) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The pictures of a folder, one a run.
    pub(super) fn pictures(&self) -> &[PathBuf] {
        self.folder.as_ref().map_or(&[], |folder| &folder.paths)
    }
}

fn source(text: &str) -> Result<(Option<String>, String), String> {
    let (name, source) = match text.split_once('=') {
        Some((name, source)) => (Some(name.to_owned()), source),
        None => (None, text),
    };
    if source.is_empty() {
        return Err("a file, a folder, `-` or `random` is expected".to_owned());
    }
    Ok((name, source.to_owned()))
}

impl InputArguments {
    /// How pictures become inputs.
    pub(super) fn pictures(&self) -> &PictureOptions {
        &self.picture
    }

    /// The same; where nothing is said, with the seed and the shapes that a certificate has.
    pub(super) fn repeating(&self, certificate: &Certificate, model: &impl Reads) -> Self {
        let mut repeated = self.clone();
        repeated.seed = repeated.seed.or(certificate.subject.seed);
        let is_free = |name: &str| {
            let is_given = self.shape.iter().any(|(known, _)| known == name);
            !is_given && model.inputs().iter().any(|info| info.name == name)
        };
        let certified = certificate
            .inputs
            .iter()
            .filter(|input| self.input.is_empty() && is_free(&input.name));
        repeated
            .shape
            .extend(certified.map(|input| (input.name.clone(), input.shape.clone())));
        repeated
    }

    /// What random numbers are drawn from.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or_default()
    }

    /// What a model reads: each input from its source. `default` is for those that nothing is said of; without it that is an
    /// error, and so is what the model does not take.
    pub(super) fn prepare(&self, model: &impl Reads, default: Option<&str>) -> Result<Feeds, Box<dyn std::error::Error>> {
        let given = self.named(model)?;
        let mut shapes = shapes_of(model, &self.shape)?;
        let mut arrays = Vec::new();
        let (mut pictures, mut folder) = (0, None);
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
            // What has no type is refused with the model.
            let dtype = info.dtype().unwrap_or(DType::F32);
            let array = match Kind::of(source) {
                Some(Kind::Random) => {
                    arrays.push(None);
                    continue;
                }
                Some(Kind::Folder) if folder.is_some() => Err("one input can read a folder".to_owned()),
                Some(Kind::Folder) => {
                    let read = self.read_folder(Path::new(source), info, arrays.len())?;
                    pictures += read.pictures.len();
                    let first = read.pictures[0].clone();
                    folder = Some(read);
                    Ok(first)
                }
                Some(kind) => content(source).and_then(|bytes| {
                    if kind == Kind::Array || (kind == Kind::Stdin && bytes.starts_with(b"\x93NUMPY")) {
                        return layout::fitted(npy::parse(&bytes, dtype)?, info);
                    }
                    pictures += 1;
                    self.picture(&bytes, info)
                }),
                None => Err(format!(
                    "neither .npy nor a picture ({}), a folder, - or random",
                    EXTENSIONS.map(|extension| format!(".{extension}")).join(", ")
                )),
            };
            let array = array.map_err(|error| format!("{source}: {error}"))?;
            if let Some((_, wanted)) = self
                .shape
                .iter()
                .find(|(name, wanted)| *name == info.name && wanted != array.shape())
            {
                let got = array.shape();
                return Err(format!("{source}: expected shape {wanted:?}, which --shape gives, but got {got:?}").into());
            }
            shapes = shapes.input(&info.name, array.shape());
            arrays.push(Some(array));
        }
        if self.picture.any() && pictures == 0 {
            return Err("options for pictures are given, but no input is a picture".into());
        }
        let input_shapes = model.checked(&shapes)?;
        let drawn = arrays.iter().zip(&input_shapes).filter(|(array, _)| array.is_none());
        let extents = |shape: &[usize]| {
            shape
                .iter()
                .fold(4, |bytes: u64, &extent| bytes.saturating_mul(extent as u64))
        };
        let bytes = drawn.map(|(_, shape)| extents(shape)).fold(0, u64::saturating_add);
        limits::asked().check_inputs(bytes)?;
        let seed = arrays.iter().any(Option::is_none).then(|| self.seed.unwrap_or_default());
        let mut random = Random::new(seed.unwrap_or_default());
        let inputs = arrays.into_iter().zip(model.inputs().iter().zip(&input_shapes));
        let inputs = inputs.map(|(array, (info, shape))| match array {
            Some(array) => Ok(array),
            None => self::random(&mut random, info, shape),
        });
        Ok(Feeds {
            inputs: inputs.collect::<Result<_, String>>()?,
            folder,
            seed,
        })
    }

    fn picture(&self, bytes: &[u8], info: &TensorInfo) -> Result<Tensor, String> {
        match info.dtype() {
            Some(DType::F32) | None => Ok(self.picture.read(bytes, info)?.into()),
            Some(dtype) => Err(format!("pictures are floats, but input {info} takes {dtype}")),
        }
    }

    /// The pictures of a folder, by their names, all of one shape.
    fn read_folder(&self, folder: &Path, info: &TensorInfo, input: usize) -> Result<Folder, String> {
        let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let entries = folder.read_dir().map_err(|error| named(folder, &error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| named(folder, &error))?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_picture(&path) && !is_hidden && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let mut pictures: Vec<Tensor> = Vec::new();
        for path in &paths {
            let bytes = content(&path.display().to_string()).map_err(|error| named(path, &error))?;
            let picture = self.picture(&bytes, info).map_err(|error| named(path, &error))?;
            let first = pictures.first().unwrap_or(&picture);
            if picture.shape() != first.shape() {
                let (got, want) = (picture.shape(), first.shape());
                return Err(named(
                    path,
                    &format!("expected {want:?} as of the first picture, but got {got:?}"),
                ));
            }
            let together = (pictures.len() as u64 + 1).saturating_mul(4 * picture.shape().iter().product::<usize>() as u64);
            if together > MOST_BYTES {
                return Err(named(
                    path,
                    &format!("the pictures up to here make more than {MOST_BYTES} bytes"),
                ));
            }
            pictures.push(picture);
        }
        if pictures.is_empty() {
            return Err(named(folder, &format!("no picture in it ({})", EXTENSIONS.join(", "))));
        }
        Ok(Folder { input, paths, pictures })
    }

    /// The sources with the names of their inputs.
    fn named(&self, model: &impl Reads) -> Result<Vec<(String, String)>, String> {
        let named = self.input.iter().map(|(name, source)| {
            let name = resolve("input", name.as_deref(), source, model.inputs())?;
            Ok((name, source.clone()))
        });
        let named = named.collect::<Result<Vec<_>, String>>()?;
        check_names("input", named.iter().map(|(name, _)| name.as_str()), model.inputs())?;
        if named.iter().filter(|(_, source)| source == "-").count() > 1 {
            return Err("one input can be read from stdin".to_owned());
        }
        Ok(named)
    }
}

/// Random numbers for an input of floats.
fn random(random: &mut Random, info: &TensorInfo, shape: &[usize]) -> Result<Tensor, String> {
    match info.dtype() {
        Some(DType::F32) | None => Ok(random.reals(shape).into()),
        Some(dtype) => Err(format!("random numbers are floats, but input {info} takes {dtype}")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Random,
    Stdin,
    Array,
    Picture,
    Folder,
}

impl Kind {
    fn of(source: &str) -> Option<Self> {
        let path = Path::new(source);
        let is_npy = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
        match source {
            "random" => Some(Self::Random),
            "-" => Some(Self::Stdin),
            _ if is_npy => Some(Self::Array),
            _ if path.is_dir() => Some(Self::Folder),
            _ if is_picture(path) => Some(Self::Picture),
            _ => None,
        }
    }
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// The name of an input or output, which may be left out where there is one.
pub(super) fn resolve(kind: &str, name: Option<&str>, file: &str, known: &[TensorInfo]) -> Result<String, String> {
    match (name, known) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.name.clone()),
        (None, infos) => Err(format!("--{kind} {file} needs a NAME=; there is {}", list(infos))),
    }
}

/// Refuses what is not there, or twice.
pub(super) fn check_names<'n>(kind: &str, given: impl Iterator<Item = &'n str>, known: &[TensorInfo]) -> Result<(), String> {
    let mut seen = Vec::new();
    for name in given {
        if known.iter().all(|info| info.name != name) {
            return Err(format!("there is no {kind} {name:?}; there is {}", list(known)));
        }
        if seen.contains(&name) {
            return Err(format!("{kind} {name:?} is given twice"));
        }
        seen.push(name);
    }
    Ok(())
}

fn list(infos: &[TensorInfo]) -> String {
    infos.iter().map(TensorInfo::to_string).collect::<Vec<_>>().join(", ")
}

/// What a file holds, or stdin where it is `-`.
fn content(source: &str) -> Result<Vec<u8>, String> {
    let text = |error: io::Error| error.to_string();
    let mut bytes = Vec::new();
    if source == "-" {
        io::stdin()
            .lock()
            .take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(text)?;
    } else {
        let path = Path::new(source);
        let metadata = path.metadata().map_err(text)?;
        if !metadata.is_file() {
            return Err("not a plain file".to_owned());
        }
        let file = std::fs::File::open(path).map_err(text)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(text)?;
    }
    if !(1..=MOST_BYTES).contains(&(bytes.len() as u64)) {
        return Err(format!("{} bytes, and 1 to {MOST_BYTES} are read", bytes.len()));
    }
    Ok(bytes)
}
