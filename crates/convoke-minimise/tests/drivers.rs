//! Drivers' bugs, a file each in `docs/drivers`, on the adapter there is: which of them it has. Without an adapter every trial is shown
//! and counted as ignored; with `CONVOKE_REQUIRE_GPU=1` that is a failure instead.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use convoke::{Gpu, testing};
use convoke_minimise::sides::{self, Side};
use convoke_minimise::{Case, Error, execute};
use libtest_mimic::{Arguments, Failed, Trial};

type Outcome = Result<(), Failed>;

static THERE: AtomicUsize = AtomicUsize::new(0);
static NOT_THERE: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let arguments = Arguments::from_args();
    let gpu = match testing::gpu() {
        Ok(gpu) => gpu,
        Err(error) => {
            println!("adapter: none ({error})");
            std::process::exit(1);
        }
    };
    let adapter = gpu
        .as_ref()
        .map_or("none; every trial on the GPU is skipped".to_owned(), |gpu| {
            gpu.info().to_string()
        });
    println!("adapter: {adapter}");
    let trial = |name: String, run: Box<dyn FnOnce(&Gpu) -> Outcome + Send>| {
        let is_ignored = gpu.is_none();
        let gpu = gpu.clone();
        Trial::test(name, move || gpu.as_ref().map_or(Ok(()), run)).with_ignored_flag(is_ignored)
    };
    let mut trials: Vec<Trial> = files()
        .into_iter()
        .map(|file| {
            let name = format!("bug/{}", file.file_stem().unwrap_or_default().display());
            trial(name, Box::new(move |gpu| bug(gpu, &file)))
        })
        .collect();
    trials.push(trial("run/numbers".to_owned(), Box::new(numbers)));
    trials.push(trial("run/refusals".to_owned(), Box::new(refusals)));
    trials.push(trial("run/command".to_owned(), Box::new(command)));
    trials.push(trial("run/every_function".to_owned(), Box::new(every_function)));
    trials.push(Trial::test("side/patience", patience));
    let conclusion = libtest_mimic::run(&arguments, trials);
    println!(
        "bugs of drivers: {} there, {} not, on {adapter}",
        THERE.load(Ordering::Relaxed),
        NOT_THERE.load(Ordering::Relaxed)
    );
    conclusion.exit();
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/drivers"));
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "wgsl"))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "only {} files in docs/drivers", files.len());
    files
}

/// Whether the adapter has the bug; where the file names it, whether that is so.
fn bug(gpu: &Gpu, file: &Path) -> Outcome {
    let text = std::fs::read_to_string(file)?;
    let lines = text.lines().filter(|line| !line.starts_with("//")).count();
    assert!(lines < 20, "{lines} lines: such files are cut down");
    let case = Case::read(&text)?;
    let adapter = gpu.info().to_string();
    let surprise = sides::surprise(&case, &execute(gpu, &text, &case)?, 0.0)?;
    let count = if surprise.is_some() { &THERE } else { &NOT_THERE };
    count.fetch_add(1, Ordering::Relaxed);
    let said = surprise.as_deref().unwrap_or("not there");
    println!("{}: {said}", file.file_stem().unwrap_or_default().display());
    match case.is_wrong_on(&adapter) {
        Some(expected) if expected != surprise.is_some() => Err(format!(
            "the file says that the bug is {}there on {adapter}: {said}",
            if expected { "" } else { "not " }
        )
        .into()),
        _ => Ok(()),
    }
}

/// Each kind of binding and fill, in two groups.
const NUMBERS: &str = "\
//: workgroups 2 1 2
//: binding 0 values 2.5 -7 0x10 0
//: binding 1.1 count 8
//: binding 1.2 zeros 8
//: binding 3 ones 4
//: binding 9 halves 1
//: expect 1.2 f32 3.0 -6.0 17.5 3.0 5.0 -4.0 19.5 5.0
//: expect 3 f32 1.0 2.0
struct Numbers { x: f32, y: i32, z: u32, w: u32 }
@group(0) @binding(0) var<uniform> numbers: Numbers;
@group(0) @binding(3) var<storage, read_write> ones: array<f32>;
@group(0) @binding(9) var<storage, read> halves: array<f32>;
@group(1) @binding(1) var<storage, read> count: array<u32>;
@group(1) @binding(2) var<storage, read_write> output: array<f32>;
@group(1) @binding(3) var<storage, read_write> unused: array<f32>;
@compute @workgroup_size(2) fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) at: vec3<u32>) {
    let i = at.z * 4u + at.x * 2u + lane;
    let values = array(numbers.x, f32(numbers.y), f32(numbers.z), ones[i % 4u]);
    output[i] = values[i % 4u] + f32(count[i]) / 2.0 + halves[0];
    if (i == 1u) { ones[1] = 2.0; }
}
";

fn numbers(gpu: &Gpu) -> Outcome {
    let case = Case::read(NUMBERS)?;
    let held = execute(gpu, NUMBERS, &case)?;
    match sides::surprise(&case, &held, 0.0)? {
        None => Ok(()),
        Some(surprise) => Err(format!("{surprise}: {held:?}").into()),
    }
}

/// What cannot be run is an error, and the device is as before.
fn refusals(gpu: &Gpu) -> Outcome {
    let refused = |text: &str| match Case::read(text).and_then(|case| execute(gpu, text, &case)) {
        Ok(held) => format!("{held:?}"),
        Err(error) => error.to_string(),
    };
    let kernel = "@group(0) @binding(2) var<storage, read_write> o: array<atomic<u32>, 4>; @compute @workgroup_size(64) fn main() { atomicAdd(&o[0], 1u); }";
    for (text, said) in [
        (kernel.to_owned(), "`//: binding 0.2 zeros 16`"),
        (format!("//: binding 2 zeros 3\n{kernel}"), "the device: "),
        (format!("//: binding 2 zeros 0\n{kernel}"), "the device: "),
        (
            format!("//: binding 2 zeros 4\n//: workgroups 99999 1 1\n{kernel}"),
            "the device: ",
        ),
        ("fn main() {}".to_owned(), "an entry point"),
        ("fn main() { x = 1; }".to_owned(), "naga refuses"),
    ] {
        let error = refused(&text);
        assert!(error.contains(said), "expected {said:?}, got {error}: {text}");
    }
    numbers(gpu)
}

fn minimise_wgsl(arguments: &[&str], file: &Path) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_minimise_wgsl"))
        .args(arguments)
        .arg(file)
        .output()
}

/// The command, on one file that gives what it expects and on one that does not.
fn command(_: &Gpu) -> Outcome {
    let folder = std::env::temp_dir();
    let right = folder.join(format!("minimise_wgsl-right-{}.wgsl", std::process::id()));
    let wrong = folder.join(format!("minimise_wgsl-wrong-{}.wgsl", std::process::id()));
    std::fs::write(&right, NUMBERS)?;
    std::fs::write(&wrong, NUMBERS.replace("expect 3 f32 1.0 2.0", "expect 3 f32 1.0 2.5"))?;
    let out = |output: Output| (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned());
    let (status, said) = out(minimise_wgsl(&["run"], &right)?);
    assert!(
        status == Some(0) && said.contains("0.3 f32: 1.0 2.0 1.0 1.0\n") && said.ends_with("as expected\n"),
        "{said}"
    );
    assert_eq!(out(minimise_wgsl(&["differ"], &right)?), (Some(1), "the same\n".to_owned()));
    assert_eq!(
        out(minimise_wgsl(&["differ"], &wrong)?),
        (Some(0), "differs: 0.3[1]: 2.0 and 2.5\n".to_owned())
    );
    assert_eq!(out(minimise_wgsl(&["differ", "--tolerance", "0.3"], &wrong)?).0, Some(1));
    assert_eq!(
        out(minimise_wgsl(&["differ", "--against", "env"], &wrong)?),
        (Some(1), "the same\n".to_owned())
    );
    assert_eq!(
        out(minimise_wgsl(
            &["differ", "--against", "env CONVOKE_ADAPTER=nonesuch"],
            &wrong
        )?)
        .0,
        Some(2)
    );
    std::fs::remove_file(right)?;
    std::fs::remove_file(wrong)?;
    Ok(())
}

/// The file that compares WGSL's functions runs.
fn every_function(gpu: &Gpu) -> Outcome {
    let text = include_str!("data/functions.wgsl");
    let held = execute(gpu, text, &Case::read(text)?)?;
    let Some(written) = held.first().filter(|_| held.len() == 1) else {
        return Err(format!("{held:?}").into());
    };
    // The first is `round(-1.3)`.
    assert_eq!((written.words.len(), f32::from_bits(written.words[0])), (70, -1.0));
    Ok(())
}

/// What never ends is ended.
fn patience() -> Outcome {
    let side = Side {
        command: ["sh", "-c", "exec sleep 60"].map(str::to_owned).to_vec(),
        patience: Duration::from_millis(200),
    };
    let began = Instant::now();
    match side.execute(Path::new("none.wgsl")) {
        Err(Error::Argument(message)) if message.contains("took more than 0.2 s") && began.elapsed() < Duration::from_secs(30) => {
            Ok(())
        }
        other => Err(format!("{other:?}").into()),
    }
}
