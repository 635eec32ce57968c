//! `convoke_relaxed relaxed|plain IN OUT`: a module that was compiled with relaxed vectors, put right or made one without.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use convoke_relaxed::Vectors;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let vectors = arguments.first().and_then(|named| {
        [Vectors::Relaxed, Vectors::Plain]
            .into_iter()
            .find(|vectors| *named == *vectors.to_string())
    });
    let (Some(vectors), [_, from, to]) = (vectors, &arguments[..]) else {
        eprintln!("expected relaxed or plain, a module, and where the result goes, but got {arguments:?}");
        return ExitCode::from(2);
    };
    match rewritten(vectors, Path::new(from), Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn rewritten(vectors: Vectors, from: &Path, to: &Path) -> Result<(), String> {
    let module = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    let module = convoke_relaxed::with(vectors, &module).map_err(|error| format!("{}: {error}", from.display()))?;
    fs::write(to, module).map_err(|error| format!("{}: {error}", to.display()))
}
