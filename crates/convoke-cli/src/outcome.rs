//! How a command ends, where it runs, and what it says on stderr.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use convoke::Backend;
use convoke::gpu::AdapterChoice;

/// The exit code, or what stopped the command.
pub(crate) type Outcome = Result<ExitCode, Box<dyn Error>>;

static QUIET: AtomicBool = AtomicBool::new(false);

/// Has stderr say nothing but errors.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether it was asked for.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// What `--adapter` asks for, or an error; without it what `CONVOKE_ADAPTER` asks for, or the CPU with a line that says why;
/// without that a real GPU, else the CPU.
pub(crate) fn backend(adapter: Option<&str>) -> Result<Backend, Box<dyn Error>> {
    if let Some(asked) = adapter {
        return Ok(Backend::choose(asked.into())?);
    }
    let Some(asked) = AdapterChoice::asked_by_env() else {
        return Ok(Backend::auto());
    };
    match Backend::choose(asked) {
        Err(error @ convoke::Error::NoAdapter(_)) => {
            complain("warning", &format!("{error}; running on the CPU"));
            Ok(Backend::cpu())
        }
        chosen => Ok(chosen?),
    }
}

/// Says where it runs: on stderr, since stdout is for what was asked.
pub(crate) fn announce(backend: &dyn std::fmt::Display) {
    if is_quiet() {
        return;
    }
    let _ = writeln!(io::stderr(), "running on  {backend}");
}

/// What a subcommand that is about adapters takes: one asked for, or any.
pub(crate) fn choice(adapter: Option<&str>) -> AdapterChoice {
    adapter.map_or_else(AdapterChoice::from_env, AdapterChoice::from)
}

/// A line on stderr. Where that is closed nobody can be told.
pub(crate) fn complain(kind: &str, message: &dyn std::fmt::Display) {
    if is_quiet() && kind != "error" {
        return;
    }
    let _ = writeln!(io::stderr(), "{kind}: {message}");
}
