//! `convoke completions`: what a shell needs to complete the command.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::Shell;

use super::outcome::Outcome;

/// Which shell.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script.
pub(super) fn completions(out: &mut dyn Write, arguments: &Arguments, mut command: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "convoke", &mut script);
    out.write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
