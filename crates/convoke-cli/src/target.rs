//! Where results go: files that are opened before the work, so that one that cannot be written is found before it, or stdout.

use std::error::Error;
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is written when the work is done, or stdout. A file that was there stays as it is until then; one that was not
/// is gone again where nothing is written.
#[derive(Debug)]
pub(super) enum Target {
    /// `-`.
    Stdout,
    /// Anything else.
    File(Opened),
}

#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl Target {
    /// Opens what is to be written.
    ///
    /// Errors: a file that cannot be written, by its name.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let is_new = !path.exists();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        let path = path.to_owned();
        Ok(Self::File(Opened { path, file, is_new }))
    }

    /// Opens what is to be written, where anything is.
    pub(super) fn open_some(path: Option<&Path>) -> Result<Option<Self>, String> {
        path.map(Self::open).transpose()
    }

    /// Writes it all: `out` is stdout.
    ///
    /// Errors: what stops it; a file is named.
    pub(super) fn write(
        self,
        out: &mut dyn Write,
        content: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Stdout => {
                content(out)?;
                Ok(out.flush()?)
            }
            Self::File(mut opened) => {
                let written = opened.write(content);
                written.map_err(|error| format!("{}: {error}", opened.path.display()).into())
            }
        }
    }
}

impl Opened {
    fn write(&mut self, content: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
        self.is_new = false;
        // Devices and pipes have no length.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        let mut file = BufWriter::new(&self.file);
        content(&mut file)?;
        Ok(file.flush()?)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.is_new {
            // Where it cannot be removed, an empty file stays.
            let _ = remove_file(&self.path);
        }
    }
}

/// Whether one of these is stdout.
///
/// Errors: more than one.
pub(super) fn share<'t>(targets: impl IntoIterator<Item = &'t Target>) -> Result<bool, String> {
    match targets.into_iter().filter(|target| matches!(target, Target::Stdout)).count() {
        0 => Ok(false),
        1 => Ok(true),
        count => Err(format!("{count} results are to go to stdout, and one can")),
    }
}

/// Where tables and other lines for people go: stdout, or stderr where stdout is for a target.
pub(super) fn text<'t>(out: &'t mut dyn Write, stderr: &'t mut io::Stderr, to_stdout: bool) -> &'t mut dyn Write {
    if to_stdout { stderr } else { out }
}
