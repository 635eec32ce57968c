//! The `convoke` command as its user meets it.

#![expect(clippy::expect_used, reason = "a test may fail")]

#[cfg(unix)]
mod against;
mod bench;
mod certify;
mod command;
mod commands;
mod compile;
mod lines;
mod precision;
mod profile;
mod run;
mod tune;
