//! Final WGSL as files, for reading and for other compilers.

use std::path::Path;

use crate::environment;
use crate::gpu::wgsl::kernel::{Dialect, PipelineKey};
use crate::gpu::wgsl::loop_limit::CUT_LOOPS;
use crate::gpu::wgsl::storage::Storage;

/// Writes a kernel that is about to be compiled into the directory that the environment names. Not being able to is no
/// reason not to run.
pub(crate) fn dump(key: &PipelineKey, text: &str) {
    if let Some(directory) = environment::dump_wgsl()
        && let Err(message) = write(Path::new(&directory), key, text)
    {
        log::warn!("CONVOKE_DUMP_WGSL: {message}");
    }
}

/// Writes a kernel that was compiled, as browsers get it, likewise.
pub(crate) fn dump_for_browsers(key: &PipelineKey) {
    // Kernels whose loops are cut are for one test, and none for browsers.
    if let Some(directory) = environment::dump_browser_wgsl()
        && key.constant(CUT_LOOPS).is_none()
        && let Err(message) = write_for_browsers(Path::new(&directory), key)
    {
        log::warn!("CONVOKE_DUMP_BROWSER_WGSL: {message}");
    }
}

/// Writes a kernel as a browser gets it: with its extensions named, and with parameters that are seen to be uniform.
pub(crate) fn write_for_browsers(directory: &Path, key: &PipelineKey) -> Result<(), String> {
    write(directory, key, &key.wgsl(Dialect::Browser)?)
}

/// Writes under a name that no other key has.
fn write(directory: &Path, key: &PipelineKey, text: &str) -> Result<(), String> {
    let constants: Vec<String> = key.constants.iter().map(|(_, value)| value.to_string()).collect();
    // Each binding that is stored in another way, by its number.
    let stored = key
        .stored
        .iter()
        .enumerate()
        .filter(|&(_, storage)| *storage != Storage::Words);
    let stored: String = stored
        .map(|(index, storage)| format!("_{}{storage:?}", index + 1).to_lowercase())
        .collect();
    let writable = match key.writable {
        0 => String::new(),
        inputs => format!("_w{inputs}"),
    };
    let name = key.kernel.source().name;
    let function = key
        .function
        .as_ref()
        .map_or_else(String::new, |function| format!("_{}", function.name));
    let path = directory.join(format!("{name}{function}_{}{stored}{writable}.wgsl", constants.join("_")));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
