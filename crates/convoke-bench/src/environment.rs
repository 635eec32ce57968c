//! Where and when something was measured: without it a figure says nothing.

use std::fs::read_to_string;

use serde::{Deserialize, Serialize};

/// Where and when something was measured. What the system does not tell is `unknown`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The processor's name.
    pub cpu: String,
    /// Threads that may run at once.
    pub threads: usize,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// The operating system and its kernel.
    pub os: String,
    /// This crate's version.
    pub convoke: String,
    /// wgpu's version.
    pub wgpu: String,
    /// `release` or `debug`; the times of a debug build are of no use to anybody.
    pub build: String,
    /// The beginning, in UTC.
    pub date: String,
    /// The command as it was given.
    pub command: Vec<String>,
    /// Processes that ran or wanted to, on average over the minute before the start. This process is not among them yet.
    pub load_at_start: Option<f64>,
    /// The same at the end, this process included.
    pub load_at_end: Option<f64>,
}

/// wgpu's major version, held against Cargo.toml by a test: the library does not tell it.
const WGPU: &str = "30";

impl Environment {
    /// Looks around.
    pub fn read() -> Self {
        let seconds = jiff::Timestamp::now().as_second();
        let date = jiff::Timestamp::from_second(seconds).map_or_else(|_| unknown(), |now| now.to_string());
        Self {
            cpu: cpu(&read_to_string("/proc/cpuinfo").unwrap_or_default()),
            threads: std::thread::available_parallelism().map_or(0, usize::from),
            memory: memory(&read_to_string("/proc/meminfo").unwrap_or_default()),
            os: os(
                &read_to_string("/etc/os-release").unwrap_or_default(),
                &read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default(),
            ),
            convoke: env!("CARGO_PKG_VERSION").to_owned(),
            wgpu: WGPU.to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            date,
            command: std::env::args_os()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            load_at_start: load(),
            load_at_end: None,
        }
    }

    /// Notes what the machine does at the end.
    pub fn finish(&mut self) {
        self.load_at_end = load();
    }

    /// Whether others kept the machine busy before the start: a load of more than half of its threads.
    pub fn is_busy(&self) -> bool {
        self.load_at_start.is_some_and(|load| load > 0.5 * self.threads as f64)
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn load() -> Option<f64> {
    first_number(&read_to_string("/proc/loadavg").ok()?)
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

fn cpu(cpuinfo: &str) -> String {
    // ARM has no model name there.
    let field = |name: &str| {
        let mut lines = cpuinfo.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()))
    };
    field("model name")
        .or_else(|| field("Hardware"))
        .unwrap_or_else(|| format!("unknown ({})", std::env::consts::ARCH))
}

fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024))
}

fn os(release: &str, kernel: &str) -> String {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    match kernel.trim() {
        "" => name.to_owned(),
        kernel => format!("{name}, kernel {kernel}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_files_are_understood_and_missing_ones_are_unknown() {
        assert_eq!(cpu("processor\t: 0\nmodel name\t: AMD EPYC 9B14\n"), "AMD EPYC 9B14");
        assert!(cpu("").starts_with("unknown"));
        assert_eq!(memory("MemTotal:        8148180 kB\nMemFree: 1 kB\n"), Some(8_148_180 * 1024));
        assert_eq!((memory(""), memory("MemTotal: lots kB")), (None, None));
        assert_eq!(
            os("ID=debian\nPRETTY_NAME=\"Debian 12\"\n", "6.1.0\n"),
            "Debian 12, kernel 6.1.0"
        );
        assert_eq!(os("", ""), std::env::consts::OS);
        assert_eq!((first_number("0.52 0.58 0.59 1/2 3"), first_number("")), (Some(0.52), None));
    }

    #[test]
    fn wgpu_is_the_one_in_cargo_toml() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("wgpu = {{ version = \"{WGPU}\"")));
    }

    #[test]
    fn the_machine_is_looked_at() {
        let environment = Environment::read();
        assert!(environment.threads > 0 && environment.date.ends_with('Z'), "{environment:?}");
        assert!(!environment.command.is_empty());
    }
}
