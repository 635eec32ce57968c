//! The corpus of the fuzz targets (`fuzz/corpus`), read again by the same functions, without libFuzzer: every file as it is, cut
//! anywhere, and with bytes changed.
//!
//! `CONVOKE_MAKE_CORPUS=1` writes the files that the fuzzer begins with anew. What it found stays beside them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may fail")]

mod make;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use convoke::testing::Random;
use targets::{TARGETS, Target};

/// How long one file may take.
const LONGEST: Duration = Duration::from_secs(10);
/// How often each file is changed.
const CHANGES: usize = 32;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// The names of a folder's files and folders, in order.
fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Has a target read bytes; what is wrong with that, under the name of the file that they come from.
fn read((name, target): Target, file: &str, change: &str, bytes: &[u8]) -> Option<String> {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    let named = |what: &str| Some(format!("{name}/{file}{change}: {what}"));
    match outcome {
        Err(_) => named("panicked"),
        Ok(()) if begun.elapsed() > LONGEST => named("took too long"),
        Ok(()) => None,
    }
}

#[test]
fn every_file_of_the_corpus_ends_in_a_result() {
    if std::env::var_os("CONVOKE_MAKE_CORPUS").is_some() {
        make::corpus(&corpus());
    }
    let mut folders: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    folders.sort_unstable();
    assert_eq!(entries(&corpus()), folders, "a folder for each target");
    let mut failed = Vec::new();
    for target in TARGETS {
        let folder = corpus().join(target.0);
        let files = entries(&folder);
        assert!(!files.is_empty(), "{} has files", folder.display());
        let mut runs = 0;
        for (index, file) in files.iter().enumerate() {
            let bytes = fs::read(folder.join(file)).unwrap();
            failed.extend(read(target, file, "", &bytes));
            let mut random = Random::new(index as u64);
            for change in 0..CHANGES {
                let changed = changed(&bytes, &mut random);
                failed.extend(read(target, file, &format!(", change {change}"), &changed));
            }
            runs += 1 + CHANGES;
        }
        println!("{}: {} files, read {runs} times", target.0, files.len());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The first bytes of a file, or all with one to four of them changed.
fn changed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if random.below(4) == 0 {
        bytes.truncate(random.below(bytes.len()));
        return bytes;
    }
    for _ in 0..=random.below(4) {
        let place = random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(place) {
            *byte = random.next_u64() as u8;
        }
    }
    bytes
}
