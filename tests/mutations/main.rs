//! Files that are wrong in one or a few places, made from ONNX's own test cases: whatever they ask for, loading and running them ends in a
//! `Result`, soon and in little memory.
//!
//! `CONVOKE_MUTATIONS` is how many files are made from each case, `CONVOKE_MUTATION_SEED` with which random numbers.
//! A file is left in the system's temporary folder where it fails, or takes the process with it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../common/root.rs"]
mod root;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use convoke::graph::Dim;
use convoke::onnx::{Model, Options};
use convoke::testing::{self, Random, conformance};
use convoke::{Backend, DType, Error, Session, Tensor};
use ndarray::ArrayD;
use wire::{Field, Kind};

/// The bytes that a file may have allocated for each of its tensors. More would take these tests long.
const BUDGET: u64 = 1 << 24;

/// What loading, planning and running a file may take.
const LONGEST: Duration = Duration::from_secs(10);

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
    let mut ends = [0_usize; 3];
    let mut failed = Vec::new();
    for round in 0..setting("CONVOKE_MUTATIONS", files_per_case) {
        for (index, (name, tree)) in files.iter().enumerate() {
            let mut random = Random::new(seed << 32 ^ round << 16 ^ index as u64);
            let mut tree = tree.clone();
            let mut own = Vec::new();
            wire::strings(&tree, &mut own);
            for _ in 0..=random.below(3) {
                // Names that the file has elsewhere get further than others do; so does what is wrong in the graph.
                let words = if random.below(4) > 0 { &own } else { &words };
                let whole = random.below(16) == 0;
                let fields = if whole { Some(&mut tree) } else { wire::graph(&mut tree) };
                if let Some(fields) = fields {
                    wire::mutate(fields, &mut random, words);
                }
            }
            let file = File {
                name: format!("{name}-{stream}-{seed}-{round}"),
                bytes: wire::encode(&tree),
            };
            match file.outcome(backend) {
                Ok(end) => ends[end as usize] += 1,
                Err(why) => failed.push(why),
            }
        }
    }
    println!(
        "{backend}: {} files refused when they were loaded, {} when they were run, {} ran; {} failed",
        ends[0],
        ends[1],
        ends[2],
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[derive(Clone, Copy)]
enum End {
    NotLoaded,
    NotRun,
    Ran,
}

struct File {
    name: String,
    bytes: Vec<u8>,
}

impl File {
    /// What became of the file; or how it failed, with where it was kept.
    fn outcome(&self, backend: &Backend) -> Result<End, String> {
        let begun = Instant::now();
        let path = std::env::temp_dir().join(format!("convoke-{}.onnx", self.name));
        std::fs::write(&path, &self.bytes).unwrap();
        let (done, watched) = mpsc::channel::<()>();
        let shown = path.display().to_string();
        let watch = std::thread::spawn(move || {
            if watched.recv_timeout(6 * LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
                println!("{shown} does not end");
                std::process::abort();
            }
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| self.end(backend)));
        drop(done);
        watch.join().unwrap();
        let kept = |why: &str| Err(format!("{}: {why}", path.display()));
        let end = match outcome {
            Err(_) => kept("panicked"),
            Ok(Err(Error::Internal(what))) => kept(&format!("internal error: {what}")),
            Ok(_) if begun.elapsed() > LONGEST => kept(&format!("took {:?}", begun.elapsed())),
            Ok(Ok(end)) => Ok(end),
            Ok(Err(_)) => Ok(End::NotRun),
        };
        if end.is_ok() {
            std::fs::remove_file(&path).unwrap();
        }
        end
    }

    fn end(&self, backend: &Backend) -> convoke::Result<End> {
        let Ok(model) = Model::from_bytes_with(&self.bytes, &Options::new().budget(BUDGET)) else {
            return Ok(End::NotLoaded);
        };
        let session = Session::from_model(model, backend)?;
        let Some(inputs) = inputs(&session) else {
            return Ok(End::NotRun);
        };
        session.run_tensors(&inputs.iter().map(Tensor::view).collect::<Vec<_>>())?;
        Ok(End::Ran)
    }
}

/// Inputs as they are declared, open extents as 2; `None` where one is unknown or larger than a million elements.
fn inputs(session: &Session) -> Option<Vec<Tensor>> {
    let mut random = Random::new(9);
    let mut tensors = Vec::new();
    for info in session.inputs() {
        let extent = |dim: &Dim| match dim {
            Dim::Known(extent) => *extent,
            _ => 2,
        };
        let shape: Vec<usize> = info.dims?.iter().map(extent).collect();
        // One more in each axis, for those without elements.
        let elements = shape
            .iter()
            .try_fold(1_usize, |product, &extent| product.checked_mul(extent.saturating_add(1)))?;
        if elements > 1 << 20 {
            return None;
        }
        let values = random.integers(&shape);
        tensors.push(of_type(&values, info.dtype?));
    }
    Some(tensors)
}

fn of_type(values: &ArrayD<f32>, dtype: DType) -> Tensor {
    match dtype {
        DType::I64 => values.mapv(|x| x as i64).into(),
        DType::I32 => values.mapv(|x| x as i32).into(),
        DType::U8 => values.mapv(|x| x as u8).into(),
        DType::I8 => values.mapv(|x| x as i8).into(),
        DType::Bool => values.mapv(|x| x > 0.0).into(),
        _ => values.clone().into(),
    }
}
