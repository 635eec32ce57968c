//! `convoke verify --against`: somebody else's run of a model, tensor by tensor, against the reference.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use convoke::onnx::Model;
use convoke::session::{Judgement, Verdict};
use convoke::{Error, Tensor};
use zip::ZipArchive;

use super::npy;
use super::outcome::Outcome;

/// The most that is read of a tensor, in bytes.
const MOST_BYTES: u64 = 4 << 30;
/// The file of a folder that says which file has which tensor.
const NAMES: &str = "tensors.json";

/// The tensors of a run, each read when it is asked for.
enum Tensors {
    /// A `.npz` file: an archive of NAME.npy.
    Archive(Box<RefCell<ZipArchive<BufReader<File>>>>),
    /// A folder with the files of tensors by their names.
    Folder(PathBuf, BTreeMap<String, String>),
}

impl Tensors {
    fn open(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if path.is_dir() {
            let names = std::fs::read(path.join(NAMES)).map_err(|error| format!("{}: {error}", path.join(NAMES).display()))?;
            let names: BTreeMap<String, String> =
                serde_json::from_slice(&names).map_err(|error| format!("{}: {error}", path.join(NAMES).display()))?;
            let is_outside = |file: &String| Path::new(file).components().count() != 1 || file == "..";
            if let Some(file) = names.values().find(|file| is_outside(file)) {
                return Err(named(&format!("{file:?} is no name of a file in this folder")).into());
            }
            return Ok(Self::Folder(path.to_owned(), names));
        }
        let file = File::open(path).map_err(|error| named(&error))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| named(&error))?;
        Ok(Self::Archive(Box::new(RefCell::new(archive))))
    }

    fn find(&self, name: &str) -> convoke::Result<Option<Tensor>> {
        let read = |file: &mut dyn Read| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.take(MOST_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = match self {
            Self::Folder(folder, names) => {
                let Some(file) = names.get(name) else { return Ok(None) };
                let path = folder.join(file);
                File::open(&path)
                    .and_then(|mut file| read(&mut file))
                    .map_err(|source| Error::Io {
                        path: path.display().to_string(),
                        source,
                    })?
            }
            Self::Archive(archive) => {
                let mut archive = archive.borrow_mut();
                let Some(place) = archive.index_for_name(&format!("{name}.npy")) else {
                    return Ok(None);
                };
                let unreadable = |error: &dyn std::fmt::Display| Error::invalid("verify", format!("tensor {name:?}: {error}"));
                let mut file = archive.by_index(place).map_err(|error| unreadable(&error))?;
                read(&mut file).map_err(|error| unreadable(&error))?
            }
        };
        let tensor = npy::parse_any(&bytes).map_err(|error| Error::invalid("verify", format!("tensor {name:?}: {error}")))?;
        Ok(Some(tensor))
    }
}

/// Judges each node and says which is wrong, how, and why, as far as that is found out.
pub(super) fn judge(out: &mut dyn Write, model: &Model, path: &Path) -> Outcome {
    let tensors = Tensors::open(path)?;
    let mut written = Ok(());
    let mut say = |judgement: &Judgement| {
        if written.is_ok() {
            written = tell(out, judgement);
        }
    };
    let judgements = model.judge(&|name| tensors.find(name), &mut say)?;
    written?;
    let count = |is_so: fn(&Verdict) -> bool| judgements.iter().filter(|judgement| is_so(&judgement.verdict)).count();
    let left = count(|verdict| matches!(verdict, Verdict::NotJudged(_)));
    let judged = judgements.len() - left;
    let left = if left > 0 {
        format!("; {left} were not judged")
    } else {
        String::new()
    };
    let first = judgements
        .iter()
        .find(|judgement| matches!(judgement.verdict, Verdict::Wrong { .. }));
    if let Some(Judgement { operator, node, .. }) = first {
        let wrong = count(|verdict| matches!(verdict, Verdict::Wrong { .. }));
        writeln!(
            out,
            "{wrong} of {judged} operators are wrong on the inputs that they were given, first {operator} {node}{left}"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    if judged == 0 {
        return Err(format!("{}: no operator's tensors are there", path.display()).into());
    }
    writeln!(
        out,
        "verified    {judged} operators are within the bounds of the reference{left}"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut dyn Write, judgement: &Judgement) -> io::Result<()> {
    let Judgement {
        node,
        operator,
        output,
        verdict,
        ..
    } = judgement;
    match verdict {
        Verdict::Wrong {
            mismatch,
            factor,
            causes,
            ..
        } => {
            write!(out, "WRONG       {operator} {node}, output {output:?}: {mismatch}")?;
            if factor.is_finite() {
                write!(out, ", {factor:.3} times the bound")?;
            }
            writeln!(out)?;
            for cause in causes {
                writeln!(out, "            likely: {cause}")?;
            }
            Ok(())
        }
        Verdict::NotJudged(why) => writeln!(out, "not judged  {operator} {node}: {why}"),
        _ => Ok(()),
    }
}
