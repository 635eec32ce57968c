//! What `convoke run` reads and writes: arrays and pictures of every kind, folders, stdin and stdout, labels.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::command::{Run, command, convoke, sample, scratch};
use image::{ImageFormat, Rgb, RgbImage};
use ndarray::{Array, ArrayD, Dimension};
use ndarray_npy::{ReadNpyExt, WritableElement, WriteNpyExt};

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");
/// The mean and the largest of each channel of a picture `[1, 4, 6, 3]`, red once, green twice, blue four times.
const CHANNELS_LAST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/channels_last.onnx");

fn run(model: &str, arguments: &[&str]) -> Run {
    convoke(&[&["run", model, "--adapter", "cpu"], arguments].concat())
}

/// The command with bytes on its stdin, and what comes out as bytes.
fn piped(model: &str, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut command = command(&[&["run", model, "--adapter", "cpu"], arguments].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    // What fails early reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    child.wait_with_output().expect("the command ends")
}

fn npy<T: WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("an array");
    bytes
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Levels that tell rows, columns and channels apart; the largest are 100, 60 and 9.
fn picture() -> RgbImage {
    RgbImage::from_fn(6, 4, |x, y| Rgb([(20 * x) as u8, (20 * y) as u8, (4 + x) as u8]))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::DynamicImage::from(picture());
    let picture = if format == ImageFormat::Gif {
        picture.into_rgba8().into()
    } else {
        picture
    };
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// The picture as an array of levels, `[4, 6, 3]`.
fn levels() -> Array<u8, ndarray::Ix3> {
    Array::from_shape_vec((4, 6, 3), picture().into_raw()).expect("a shape")
}

#[test]
fn channels_may_stand_last() {
    let arrays = [
        scratch("hwc.npy", &npy(&levels())),
        scratch("nhwc.npy", &npy(&levels().mapv(i64::from).insert_axis(ndarray::Axis(0)))),
    ];
    let pictures = [
        ("png", ImageFormat::Png),
        ("webp", ImageFormat::WebP),
        ("gif", ImageFormat::Gif),
        ("bmp", ImageFormat::Bmp),
    ];
    let pictures = pictures.map(|(name, format)| scratch(&format!("levels.{name}"), &encoded(format)));
    for (files, options) in [(&arrays[..], &[][..]), (&pictures, &["--range", "0..255"])] {
        for file in files {
            let output = format!("largest={}.out", text(file));
            let run = run(
                CHANNELS_LAST,
                &[&["--input", text(file), "--output", &output], options].concat(),
            );
            assert_eq!((run.code, run.complaints()), (Some(0), vec![]), "{file:?}");
            let file = std::fs::File::open(format!("{}.out", text(file))).expect("the output");
            let largest = ArrayD::<f32>::read_npy(file).expect("an array");
            assert_eq!(largest, ndarray::arr2(&[[100.0, 120.0, 36.0]]).into_dyn());
        }
    }
}

#[test]
fn axes_in_the_wrong_order_are_said() {
    let lenet = |shape: &[usize]| npy(&ArrayD::<f32>::zeros(shape));
    for (name, model, bytes, part) in [
        (
            "last4.npy",
            LENET,
            lenet(&[2, 28, 28, 1]),
            "an array [2, 28, 28, 1] has its channels last, but input input [batch, 1, 28, 28] takes them first: in NumPy, \
             array.transpose(0, 3, 1, 2)",
        ),
        ("last3.npy", LENET, lenet(&[28, 28, 1]), "array.transpose(2, 0, 1)"),
        (
            "first3.npy",
            CHANNELS_LAST,
            lenet(&[3, 4, 6]),
            "takes them last: in NumPy, array.transpose(1, 2, 0)",
        ),
        (
            "first4.npy",
            CHANNELS_LAST,
            lenet(&[1, 3, 4, 6]),
            "array.transpose(0, 2, 3, 1)",
        ),
        (
            "other.npy",
            CHANNELS_LAST,
            lenet(&[1, 4, 5, 3]),
            "expected 6 at axis 2, but got 5",
        ),
    ] {
        let run = run(model, &["--input", text(&scratch(name, &bytes))]);
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    let run = run(LENET, &["--input", text(&scratch("chw.npy", &lenet(&[1, 28, 28])))]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn whole_numbers_must_be_exact() {
    let mut levels = levels().mapv(i32::from);
    levels[[3, 5, 2]] = 16_777_217;
    let run = run(CHANNELS_LAST, &["--input", text(&scratch("inexact.npy", &npy(&levels)))]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("inexact.npy: an element is 16777217"), "{}", run.stderr);
}

/// A field of a protobuf message, of fewer than 128 bytes.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, content.len() as u8], content].concat()
}

/// A model that transposes a table `x [2, 3]` of bytes (ONNX's type 2).
fn transposing() -> Vec<u8> {
    let dim = |extent: u8| field(1, &[1 << 3, extent]);
    let table = |name: &str, dims: [u8; 2]| {
        let shape = field(2, &dims.map(dim).concat());
        let tensor = field(1, &[&[1 << 3, 2], shape.as_slice()].concat());
        [field(1, name.as_bytes()), field(2, &tensor)].concat()
    };
    let node = [field(1, b"x"), field(2, b"y"), field(4, b"Transpose")].concat();
    let graph = [
        field(1, &node),
        field(11, &table("x", [2, 3])),
        field(12, &table("y", [3, 2])),
    ]
    .concat();
    // IR version 8, opset 13.
    [&[1 << 3, 8], field(7, &graph).as_slice(), &field(8, &[2 << 3, 13])].concat()
}

#[test]
fn arrays_are_held_against_the_declared_type() {
    let model = scratch("bytes.onnx", &transposing());
    let bytes = ndarray::array![[0_u8, 1, 2], [3, 4, 255]];
    let input = scratch("bytes.npy", &npy(&bytes));
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transposed.npy");
    let arguments = ["--input", text(&input), "--output", text(&output)];
    let done = run(text(&model), &arguments);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let transposed = ndarray::Array2::<u8>::read_npy(std::fs::File::open(output).expect("the output")).expect("bytes");
    assert_eq!(transposed, bytes.t());
    for (source, part) in [
        (
            text(&scratch("longs.npy", &npy(&bytes.mapv(i64::from)))),
            "'<i8', but u8 is expected",
        ),
        (
            text(&scratch("bytes.png", &encoded(ImageFormat::Png))),
            "pictures are floats, but input x [2, 3] takes u8",
        ),
        ("random", "random numbers are floats, but input x [2, 3] takes u8"),
    ] {
        let refused = run(text(&model), &["--input", source]);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}

#[test]
fn stdin_and_stdout_are_files() {
    for bytes in [npy(&levels().mapv(f32::from)), npy(&levels()), encoded(ImageFormat::WebP)] {
        let output = piped(CHANNELS_LAST, &["--input", "-", "--output", "mean=-"], &bytes);
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let mean = ArrayD::<f32>::read_npy(output.stdout.as_slice()).expect("an array and nothing else");
        assert_eq!(mean.shape(), [1, 3]);
        assert!(stderr.contains("mean [1, 3]: "), "{stderr}");
    }
    let output = piped(LENET, &["--input", "-"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("-: 0 bytes"));
    let two = run(
        CHANNELS_LAST,
        &["--input", "random", "--output", "mean=-", "--output", "largest=-"],
    );
    assert_eq!(two.code, Some(1));
    assert!(two.stderr.contains("2 results are to go to stdout"), "{}", two.stderr);
}

#[test]
fn an_output_needs_a_name_only_where_there_are_several() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("only.npy");
    let run_lenet = run(LENET, &["--input", "random", "--output", text(&file)]);
    assert_eq!(run_lenet.code, Some(0), "{}", run_lenet.stderr);
    let logits = ArrayD::<f32>::read_npy(std::fs::File::open(file).expect("the output")).expect("an array");
    assert_eq!(logits.shape(), [1, 10]);
    let several = run(CHANNELS_LAST, &["--input", "random", "--output", "x.npy"]);
    assert_eq!(several.code, Some(1));
    let part = "--output x.npy needs a NAME=; there is mean [1, 3], largest [1, 3]";
    assert!(several.stderr.contains(part), "{}", several.stderr);
    let none = run(LENET, &["--input", "random", "--output", "logits="]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
}

/// Nothing runs, so that nobody waits for what is then lost; and what was there stays.
#[test]
fn outputs_that_cannot_be_written_are_found_before_the_run() {
    let nowhere = "/no/such/folder/file";
    let adapter = ["--adapter", "cpu"];
    for arguments in [
        &["run", LENET, "--input", "random", "--output", nowhere][..],
        &["profile", LENET, "--json", nowhere],
        &["profile", LENET, "--trace", nowhere],
        &["bench", LENET, "--backend", "cpu", "--csv", nowhere],
        &["bench", LENET, "--backend", "cpu", "--json", nowhere],
        &["bench", LENET, "--backend", "cpu", "--html", nowhere],
    ] {
        let adapter = if arguments[0] == "bench" { &[][..] } else { &adapter };
        let run = convoke(&[arguments, adapter].concat());
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{arguments:?}: {}",
            run.stderr
        );
        // One line: it does not say where it runs.
        assert!(run.stderr.starts_with("error: /no/such/folder/file: "), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    let kept = scratch(
        "kept.npy",
        b"what was there before, and is longer than an array of ten floats"
            .repeat(9)
            .as_slice(),
    );
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("never.npy");
    for file in [&kept, &new] {
        let run = run(LENET, &["--input", "no.png", "--output", text(file)]);
        assert_eq!(run.code, Some(1));
    }
    assert!(std::fs::read(&kept).expect("the file").starts_with(b"what was there"));
    assert!(!new.exists(), "nothing was written");
    let run = run(LENET, &["--input", "random", "--output", text(&kept)]);
    assert_eq!((run.code, std::fs::read(&kept).expect("the file").len()), (Some(0), 128 + 40));
}

#[test]
fn a_folder_of_pictures_is_run_one_by_one() {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let empty = run(LENET, &["--input", text(&folder)]);
    assert!(
        empty.code == Some(1) && empty.stderr.contains("pictures: no picture in it"),
        "{}",
        empty.stderr
    );
    for digit in [6, 0, 3] {
        let name = format!("{digit}.png");
        std::fs::copy(sample(&name), folder.join(name)).expect("a copy");
    }
    for (name, content) in [("notes.txt", "none"), (".hidden.png", "none")] {
        std::fs::write(folder.join(name), content).expect("a file");
    }
    let output = folder.join("logits.npy");
    let digits = run(
        LENET,
        &["--input", text(&folder), "--digit", "--top", "1", "--output", text(&output)],
    );
    assert_eq!((digits.code, digits.complaints()), (Some(0), vec![]));
    let lines: Vec<&str> = digits.stdout.lines().filter(|line| !line.is_empty()).collect();
    for (pair, digit) in lines[1..].chunks(2).zip([0, 3, 6]) {
        assert!(pair[0].ends_with(&format!("{digit}.png")), "{}", digits.stdout);
        assert!(pair[1].starts_with(&format!("     {digit}  ")), "{}", digits.stdout);
    }
    let logits = ArrayD::<f32>::read_npy(std::fs::File::open(output).expect("the output")).expect("an array");
    assert_eq!(logits.shape(), [3, 10]);
    assert!(digits.stdout.starts_with("logits [3, 10]: "), "{}", digits.stdout);
    let verified = convoke(&["verify", LENET, "--adapter", "cpu", "--input", text(&folder)]);
    assert!(
        verified.code == Some(1) && verified.stderr.contains("the folder has 3"),
        "{}",
        verified.stderr
    );
    std::fs::write(folder.join("bad.png"), "none").expect("a file");
    let bad = run(LENET, &["--input", text(&folder)]);
    assert!(
        bad.code == Some(1) && bad.stderr.contains("bad.png: not a readable"),
        "{}",
        bad.stderr
    );
}

/// A picture is what its levels say, unless somebody says that it is the scan of a digit.
#[test]
fn digits_are_read_as_scans_only_where_asked() {
    let digit = sample("3.png");
    let digit = text(&digit);
    let run_with = |options: &[&str]| {
        let output = piped(LENET, &[&["--input", digit, "--output", "-"], options].concat(), b"");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        ArrayD::<f32>::read_npy(output.stdout.as_slice()).expect("an array")
    };
    let close = |left: &ArrayD<f32>, right: &ArrayD<f32>| left.iter().zip(right).all(|(left, right)| (left - right).abs() < 0.1);
    assert!(close(&run_with(&[]), &run_with(&["--range", "0..1"])));
    assert!(close(&run_with(&["--digit"]), &run_with(&["--range", "1..0"])));
    assert!(!close(&run_with(&[]), &run_with(&["--digit"])));
    let other = run(CHANNELS_LAST, &["--input", digit, "--digit"]);
    assert_eq!(other.code, Some(1));
    assert!(
        other
            .stderr
            .contains("--digit is for [N, 1, 28, 28], but the input is picture"),
        "{}",
        other.stderr
    );
    assert_eq!(run(LENET, &["--input", digit, "--digit", "--resize", "28"]).code, Some(2));
}

#[test]
fn labels_that_are_too_few_or_too_many_are_said() {
    for (count, says) in [(9, true), (10, false), (11, true)] {
        let labels = scratch(&format!("labels{count}.txt"), "name\n".repeat(count).as_bytes());
        let run = run(LENET, &["--input", "random", "--top", "1", "--labels", text(&labels)]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let part = format!("labels{count}.txt: expected 10 labels, one for each class, but got {count}");
        assert_eq!(run.stderr.contains(&part), says, "{}", run.stderr);
    }
}

#[test]
fn tables_make_room_for_results_on_stdout() {
    let arguments = ["profile", LENET, "--adapter", "cpu", "--repetitions", "1", "--json", "-"];
    let profile = convoke(&arguments);
    assert_eq!(profile.code, Some(0), "{}", profile.stderr);
    let numbers: serde_json::Value = serde_json::from_str(&profile.stdout).expect("JSON and nothing else");
    assert_eq!(numbers["repetitions"], 1);
    assert!(profile.stderr.contains("ceilings "), "{}", profile.stderr);
    let bench = convoke(&["bench", LENET, "--backend", "cpu", "--max-time", "0.1", "--csv", "-"]);
    assert_eq!(bench.code, Some(0), "{}", bench.stderr);
    assert!(
        bench.stdout.lines().count() >= 2 && bench.stdout.lines().all(|line| line.contains(',')),
        "{}",
        bench.stdout
    );
}

#[test]
fn constants_in_nodes_are_parameters() {
    let run = convoke(&["inspect", CHANNELS_LAST]);
    assert!(run.stdout.contains("parameters  3\n"), "{}", run.stdout);
}

#[test]
fn answers_have_the_same_bits_by_vectors_of_every_width() {
    let answer = |vectors: &str| {
        let arguments = [
            "run",
            LENET,
            "--adapter",
            "cpu",
            "--input",
            "random",
            "--shape",
            "input=6x1x28x28",
            "--output",
            "-",
        ];
        let output = command(&arguments)
            .env("CONVOKE_CPU_VECTORS", vectors)
            .output()
            .expect("the command ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ArrayD::<f32>::read_npy(Cursor::new(output.stdout)).expect("an array")
    };
    let widest = answer("");
    assert_eq!(widest.shape(), [6, 10]);
    assert_eq!(answer("avx2"), widest);
    // Without vectors that multiply and add in one, products are rounded as well.
    let difference = (answer("baseline") - &widest).mapv(f32::abs);
    assert!(difference.iter().all(|&x| x < 1e-4), "{difference}");
}
