//! Final WGSL as files, for reading and for other compilers.

use std::path::Path;

use super::cut_loops::CUT_LOOPS;
use super::shader::{Dialect, PipelineKey};

/// Names a directory for the texts that the device gets.
const AS_COMPILED: &str = "CONVOKE_DUMP_WGSL";

/// Names a directory for the same kernels as a browser would get them.
pub(super) const FOR_BROWSERS: &str = "CONVOKE_DUMP_BROWSER_WGSL";

/// Writes a kernel that is about to be compiled into the directories that the environment names. Not being able to is no
/// reason not to run.
pub(super) fn dump(key: &PipelineKey, text: &str) {
    if let Some(directory) = std::env::var_os(AS_COMPILED)
        && let Err(message) = write(Path::new(&directory), key, text)
    {
        log::warn!("{AS_COMPILED}: {message}");
    }
    // Kernels whose loops are cut are for one test, and none for browsers.
    if let Some(directory) = std::env::var_os(FOR_BROWSERS)
        && key.constant(CUT_LOOPS).is_none()
        && let Err(message) = write_for_browsers(Path::new(&directory), key)
    {
        log::warn!("{FOR_BROWSERS}: {message}");
    }
}

/// Writes a kernel as a browser gets it: with its extensions named, and with parameters that are seen to be uniform.
pub(super) fn write_for_browsers(directory: &Path, key: &PipelineKey) -> Result<(), String> {
    write(directory, key, &key.wgsl(Dialect::Browser)?)
}

/// Writes under a name that no other key has.
fn write(directory: &Path, key: &PipelineKey, text: &str) -> Result<(), String> {
    let constants: Vec<String> = key.constants.iter().map(|(_, value)| value.to_string()).collect();
    let writable = match key.writable {
        0 => String::new(),
        inputs => format!("_w{inputs}"),
    };
    let path = directory.join(format!("{}_{}{writable}.wgsl", key.kernel.source().name, constants.join("_")));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
