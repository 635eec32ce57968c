//! Tensors of somebody else's run, by name: a `.npz` file, or a folder of `.npy` files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use convoke::{Error, Tensor};
use zip::ZipArchive;

use super::npy;

/// The most that is read of a tensor, in bytes.
const MOST_BYTES: u64 = 4 << 30;
/// The file of a folder that says which file has which tensor.
const NAMES: &str = "tensors.json";

/// What an archive is read from.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// The tensors of a run, each read when it is asked for.
pub enum Tensors {
    /// A `.npz` file: an archive of NAME.npy.
    Archive(Box<RefCell<ZipArchive<Box<dyn Source>>>>),
    /// A folder with the files of tensors by their names.
    Folder(PathBuf, BTreeMap<String, String>),
}

impl Tensors {
    /// Opens a `.npz` file, or a folder with `tensors.json`.
    ///
    /// Errors: a message for people that names the file; a folder that names files outside of it.
    pub fn open(path: &Path) -> Result<Self, String> {
        let named = |error: &dyn Display| format!("{}: {error}", path.display());
        if path.is_dir() {
            let list = path.join(NAMES);
            let in_list = |error: &dyn Display| format!("{}: {error}", list.display());
            let names = std::fs::read(&list).map_err(|error| in_list(&error))?;
            return Ok(Self::Folder(
                path.to_owned(),
                names_of(&names).map_err(|error| in_list(&error))?,
            ));
        }
        let file = File::open(path).map_err(|error| named(&error))?;
        Self::archive(BufReader::new(file)).map_err(|error| named(&error))
    }

    /// Reads an archive's list of files.
    ///
    /// Errors: what is no archive.
    pub fn archive(source: impl Read + Seek + 'static) -> Result<Self, String> {
        let archive = ZipArchive::new(Box::new(source) as Box<dyn Source>).map_err(|error| error.to_string())?;
        Ok(Self::Archive(Box::new(RefCell::new(archive))))
    }

    /// The tensor of a name; none where it is not there.
    ///
    /// Errors: what cannot be read, or is no array.
    pub fn find(&self, name: &str) -> convoke::Result<Option<Tensor>> {
        let unreadable = |error: &dyn Display| Error::invalid("verify", format!("tensor {name:?}: {error}"));
        let bytes = match self {
            Self::Folder(folder, names) => {
                let Some(file) = names.get(name) else { return Ok(None) };
                let path = folder.join(file);
                File::open(&path).and_then(read).map_err(|source| Error::Io {
                    path: path.display().to_string(),
                    source,
                })?
            }
            Self::Archive(archive) => {
                let mut archive = archive.borrow_mut();
                let Some(place) = archive.index_for_name(&format!("{name}.npy")) else {
                    return Ok(None);
                };
                let file = archive.by_index(place).map_err(|error| unreadable(&error))?;
                read(file).map_err(|error| unreadable(&error))?
            }
        };
        npy::parse_any(&bytes).map(Some).map_err(|error| unreadable(&error))
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Folder(_, names) => names.keys().cloned().collect(),
            Self::Archive(archive) => {
                let archive = archive.borrow();
                let names = archive.file_names().filter_map(Result::ok);
                names
                    .filter_map(|name| name.strip_suffix(".npy").map(str::to_owned))
                    .collect()
            }
        }
    }
}

/// Which file of a folder has which tensor.
///
/// Errors: a message for people; files outside of the folder.
pub fn names_of(json: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let names: BTreeMap<String, String> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let is_outside = |file: &String| Path::new(file).components().count() != 1 || file == "..";
    match names.values().find(|file| is_outside(file)) {
        Some(file) => Err(format!("{file:?} is no name of a file in this folder")),
        None => Ok(names),
    }
}

fn read(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
