//! The harness itself: without an adapter every trial is shown and counted as skipped, or is a failure where a GPU is
//! required.

use std::process::{Command, Output};

use convoke::Gpu;

use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    vec![trial("harness/without_an_adapter", without_an_adapter)]
}

fn run(require: Option<&str>) -> std::io::Result<Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env("CONVOKE_ADAPTER", "cpu").env_remove("CONVOKE_REQUIRE_GPU");
    if let Some(require) = require {
        command.env("CONVOKE_REQUIRE_GPU", require);
    }
    command.output()
}

fn without_an_adapter(_: &Gpu) -> Outcome {
    let skips = run(None)?;
    let output = String::from_utf8_lossy(&skips.stdout).into_owned();
    let counted = output
        .lines()
        .find_map(|line| line.strip_prefix("0 GPU tests ran: ")?.split_once(" skipped"))
        .and_then(|(count, _)| count.parse::<usize>().ok());
    let listed = output.lines().filter(|line| line.ends_with("... ignored")).count();
    if !skips.status.success() || !output.contains("adapter: none") || counted != Some(listed) || listed < 100 {
        return Err(format!("{}, {listed} listed, {counted:?} counted:\n{output}", skips.status).into());
    }
    let fails = run(Some("1"))?;
    let output = String::from_utf8_lossy(&fails.stdout).into_owned();
    if fails.status.code() != Some(1) || !output.contains("CONVOKE_REQUIRE_GPU=1") || output.contains("... ignored") {
        return Err(format!("{}:\n{output}", fails.status).into());
    }
    Ok(())
}
