//! Files that are always whole: a new one takes the place of the old, or nothing does.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Has `write` fill a file beside this one, which then takes its place.
///
/// Errors: a file that cannot be made or renamed; those of `write`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = PathBuf::from(new);
    let file = File::create(&new).map_err(Error::io(&new))?;
    let written = write(&file).and_then(|()| std::fs::rename(&new, path).map_err(Error::io(path)));
    if written.is_err() {
        // Nobody wants a part of it.
        let _ = std::fs::remove_file(&new);
    }
    written
}
