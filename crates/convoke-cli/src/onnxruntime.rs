//! A model's run in ONNX Runtime, which Python does.

use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

use convoke_cli::dump::Tensors;

const SCRIPT: &str = include_str!("dump_onnxruntime.py");
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Every tensor of a run on random numbers, drawn from this seed.
///
/// Errors: a message for people, where there is no Python or it lacks what the script imports, and where ONNX Runtime refuses the
/// model.
pub(super) fn tensors(model: &Path, seed: u64) -> Result<Tensors, String> {
    let mut python = Command::new(PYTHON);
    python
        .args(["-c", SCRIPT])
        .arg(model)
        .args(["-", "--seed"])
        .arg(seed.to_string());
    let needs = format!("`--against ort` needs {PYTHON} with onnxruntime, onnx and numpy");
    let output = python
        .output()
        .map_err(|error| format!("{needs}, which did not start: {error}"))?;
    let Output { status, stdout, stderr } = output;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        // Of a traceback the last line says what is wrong.
        let why = stderr
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it said nothing");
        return Err(format!("{needs}, which ended with {status}: {why}"));
    }
    Tensors::archive(Cursor::new(stdout)).map_err(|error| format!("{needs}, which gave no archive of arrays: {error}"))
}
