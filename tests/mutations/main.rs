//! Files that are wrong in one or a few places, made from ONNX's own test cases: whatever they ask for, loading and running them ends in a
//! `Result`, soon and in little memory.
//!
//! `CONVOKE_MUTATIONS` is how many files are made from each case, `CONVOKE_MUTATION_SEED` with which random numbers; with
//! `CONVOKE_MUTATION_LIMITS=default` they run under the limits that hold where nobody says anything, else under lower ones.
//! A file is left in the system's temporary folder where it fails, or takes the process with it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod attempt;
mod peak;
#[path = "../common/root.rs"]
mod root;
mod wire;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use attempt::{End, attempt};
use convoke::onnx::Options;
use convoke::testing::{self, Random, conformance};
use convoke::{Backend, Error, Limits};
use wire::{Field, Kind};

/// The bytes that a file may have allocated for each of its tensors, where limits are not the default ones. More would take these
/// tests long.
const BUDGET: u64 = 1 << 24;

/// What loading, planning and running a file may take.
const LONGEST: Duration = Duration::from_secs(10);
/// And the most memory that the process may hold meanwhile.
const LARGEST: u64 = 4 << 30;

#[test]
fn mutated_files_end_in_a_result_on_the_reference() {
    run(&Backend::Reference, 1, 5);
}

#[test]
fn mutated_files_end_in_a_result_on_the_cpu() {
    run(&Backend::cpu(), 2, 10);
}

#[test]
fn mutated_files_end_in_a_result_on_the_gpu() {
    match testing::gpu().unwrap() {
        Some(gpu) => run(&Backend::from(gpu), 3, 2),
        None => println!("skipped: no adapter"),
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// How files are read: within the default limits, where that is asked for.
fn options() -> Options {
    match std::env::var("CONVOKE_MUTATION_LIMITS") {
        Ok(limits) => {
            assert_eq!(limits, "default", "the value of CONVOKE_MUTATION_LIMITS");
            Options::new().limits(Limits::new())
        }
        Err(_) => Options::new().limits(Limits::new()).budget(BUDGET),
    }
}

/// The files of all cases, as trees under the cases' names, and the words that they have.
struct Corpus {
    files: Vec<(String, Vec<Field>)>,
    words: Vec<Vec<u8>>,
}

fn corpus() -> Corpus {
    let data = root::root().join("tests/data");
    let mut folders = conformance::find(data.join("onnx_node")).unwrap();
    folders.extend(conformance::find(data.join("onnx_sets")).unwrap());
    let mut words = Vec::new();
    let mut files = Vec::new();
    for folder in folders {
        let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
        let tree = wire::decode(&bytes, Kind::Model).unwrap();
        assert_eq!(
            wire::encode(&tree).len(),
            bytes.len(),
            "{}: read and written again",
            folder.display()
        );
        wire::strings(&tree, &mut words);
        files.push((folder.file_name().unwrap().to_string_lossy().into_owned(), tree));
    }
    words.sort_unstable();
    words.dedup();
    Corpus { files, words }
}

fn run(backend: &Backend, stream: u64, files_per_case: u64) {
    let Corpus { files, words } = corpus();
    let seed = setting("CONVOKE_MUTATION_SEED", 0) * 16 + stream;
    let options = options();
    let mut tally = Tally::default();
    for round in 0..setting("CONVOKE_MUTATIONS", files_per_case) {
        for (index, (name, tree)) in files.iter().enumerate() {
            let mut random = Random::new(seed << 32 ^ round << 16 ^ index as u64);
            let mut tree = tree.clone();
            wire::change(&mut tree, &mut random, &words);
            let file = File {
                name: format!("{name}-{stream}-{seed}-{round}"),
                bytes: wire::encode(&tree),
            };
            tally.add(&file, file.outcome(&options, backend));
        }
    }
    println!("{backend}: {tally}");
    assert!(tally.failed.is_empty(), "{}", tally.failed.join("\n"));
}

/// What became of all files.
#[derive(Default)]
struct Tally {
    ends: [usize; 3],
    slowest: (Duration, String),
    largest: (u64, String),
    failed: Vec<String>,
}

/// How far a file came, how long it took, and the most memory that the process held meanwhile.
struct Outcome {
    end: End,
    took: Duration,
    peak: Option<u64>,
}

impl Tally {
    fn add(&mut self, file: &File, outcome: Result<Outcome, String>) {
        let Outcome { end, took, peak } = match outcome {
            Ok(outcome) => outcome,
            Err(why) => return self.failed.push(why),
        };
        self.ends[end as usize] += 1;
        if took > self.slowest.0 {
            self.slowest = (took, file.name.clone());
        }
        if let Some(peak) = peak.filter(|&peak| peak > self.largest.0) {
            self.largest = (peak, file.name.clone());
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [not_loaded, not_run, ran] = self.ends;
        let (took, slowest) = &self.slowest;
        let (peak, largest) = &self.largest;
        write!(
            f,
            "{not_loaded} files refused when they were loaded, {not_run} when they were run, {ran} ran; {} failed; slowest {} ms \
             ({slowest}), most memory {} MiB ({largest})",
            self.failed.len(),
            took.as_millis(),
            peak >> 20,
        )
    }
}

struct File {
    name: String,
    bytes: Vec<u8>,
}

impl File {
    /// What became of the file; or how it failed, with where it was kept.
    fn outcome(&self, options: &Options, backend: &Backend) -> Result<Outcome, String> {
        let path = std::env::temp_dir().join(format!("convoke-{}.onnx", self.name));
        std::fs::write(&path, &self.bytes).unwrap();
        let watch = Watch::new(path.clone());
        peak::forget();
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(&self.bytes, options, &Limits::new(), backend)));
        let (took, peak) = (begun.elapsed(), peak::bytes());
        watch.end();
        let kept = |why: &str| Err(format!("{}: {why}", path.display()));
        let end = match outcome {
            Err(_) => return kept("panicked"),
            Ok(Err(Error::Internal(what))) => return kept(&format!("internal error: {what}")),
            Ok(_) if took > LONGEST => return kept(&format!("took {took:?}")),
            Ok(_) if peak.is_some_and(|peak| peak > LARGEST) => return kept(&format!("{peak:?} bytes of memory")),
            Ok(outcome) => outcome.unwrap_or(End::NotRun),
        };
        std::fs::remove_file(&path).unwrap();
        Ok(Outcome { end, took, peak })
    }
}

/// Ends the process where a file does not end, and says which one.
struct Watch {
    done: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Watch {
    fn new(path: PathBuf) -> Self {
        let (done, watched) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            if watched.recv_timeout(6 * LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
                println!("{} does not end", path.display());
                std::process::abort();
            }
        });
        Self { done, thread }
    }

    fn end(self) {
        drop(self.done);
        self.thread.join().unwrap();
    }
}
