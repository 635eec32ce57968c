//! The `convoke` command, run as its user runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// What stands on stderr beside where the command ran.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines.filter(|line| !line.starts_with("running on  ")).collect()
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    // Vulkan drivers complain on stderr where there is no such folder.
    let runtime = env!("CARGO_TARGET_TMPDIR");
    command.args(arguments).env_remove("RUST_LOG").env("XDG_RUNTIME_DIR", runtime);
    command
}

pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().expect("the command starts");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub(crate) fn convoke(arguments: &[&str]) -> Run {
    finish(command(arguments))
}

/// With these variables of the environment.
pub(crate) fn convoke_with(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = command(arguments);
    command.envs(variables.iter().copied());
    finish(command)
}

/// Whether there is an adapter; where one is required, there is.
pub(crate) fn has_adapter() -> bool {
    convoke::testing::gpu().expect("an adapter where one is required").is_some()
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn sample(name: &str) -> PathBuf {
    root().join("examples/digits").join(name)
}

/// Where a file of this test's own is.
pub(crate) fn own_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A file of this test's own.
pub(crate) fn scratch(name: &str, content: &[u8]) -> PathBuf {
    let path = own_path(name);
    std::fs::write(&path, content).expect("the file is written");
    path
}
