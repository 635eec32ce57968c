//! The `convoke` command as its user meets it: exit codes, and what stands on stdout and stderr.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::command::{command, convoke, finish, root, sample, scratch};
use convoke::gpu::{AdapterChoice, adapters};

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::new(width, height);
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    bytes.into_inner()
}

/// The number after `accuracy`.
fn accuracy(stdout: &str) -> f64 {
    let line = stdout
        .lines()
        .find(|line| line.starts_with("accuracy"))
        .expect("an accuracy line");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}

#[test]
fn devices_lists_adapters_and_says_which_is_chosen() {
    let run = convoke(&["devices"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let adapters = adapters();
    for adapter in &adapters {
        assert!(run.stdout.contains(&adapter.name), "{}", run.stdout);
    }
    let choice = AdapterChoice::asked_by_env().unwrap_or_else(AdapterChoice::best);
    let chosen = match choice.choose(&adapters) {
        Ok(chosen) => format!("chosen: {}", adapters[chosen].name),
        Err(_) => "chosen: the CPU".to_owned(),
    };
    assert!(run.stdout.contains(&chosen), "{}", run.stdout);
    assert!(run.stdout.contains("to choose another: --adapter"), "{}", run.stdout);
}

#[test]
fn without_an_adapter_devices_says_that_the_cpu_is_taken() {
    let mut by_name = command(&["devices"]);
    by_name.env("CONVOKE_ADAPTER", "no such adapter");
    let run = finish(by_name);
    assert_eq!(run.code, Some(0));
    assert!(
        run.stdout.contains("\"no such adapter\"") && run.stdout.contains("chosen: the CPU"),
        "{}",
        run.stdout
    );
    let run = convoke(&["devices", "--adapter", "cpu"]);
    assert!(run.stdout.contains("--adapter cpu"), "{}", run.stdout);
}

/// The reference takes 3 ms an image, and 70 ms in a debug build.
const COUNT: &str = if cfg!(debug_assertions) { "60" } else { "360" };

#[test]
fn digits_reads_the_test_set_on_the_best_backend() {
    let run = convoke(&["digits", "--count", COUNT]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(accuracy(&run.stdout) >= 98.0, "{}", run.stdout);
    let mut expected = vec![
        format!("of {COUNT} test digits"),
        format!("PyTorch     same digit as the reference for {COUNT} of {COUNT}"),
    ];
    let choice = AdapterChoice::asked_by_env().unwrap_or_else(AdapterChoice::best);
    if choice.choose(&adapters()).is_ok() {
        expected.push(format!("GPU         same digit as the reference for {COUNT} of {COUNT}"));
    }
    for line in expected {
        assert!(run.stdout.contains(&line), "{line}: {}", run.stdout);
    }
}

#[test]
fn digits_reads_the_test_set_on_the_cpu() {
    let run = convoke(&["--adapter", "cpu", "digits", "--count", COUNT]);
    assert_eq!((run.code, run.stderr.lines().count()), (Some(0), 1), "{}", run.stderr);
    assert!(run.stderr.starts_with("running on  CPU ("), "{}", run.stderr);
    assert!(run.stdout.contains(&format!("of {COUNT} test digits")), "{}", run.stdout);
    assert!(accuracy(&run.stdout) >= 98.0, "{}", run.stdout);
}

#[test]
fn where_no_adapter_fits_the_cpu_is_the_fallback_and_says_so() {
    let mut by_name = command(&["digits", "--count", "5"]);
    by_name.env("CONVOKE_ADAPTER", "no such adapter");
    let run = finish(by_name);
    assert_eq!(run.code, Some(0));
    assert!(
        run.stderr.contains("no such adapter") && run.stderr.contains("running on the CPU"),
        "{}",
        run.stderr
    );
    assert_eq!(run.complaints().len(), 1, "{}", run.stderr);
}

/// The CPU is faster than a software adapter: nobody is told so at each command, and who asks for the adapter has it.
#[test]
fn a_software_adapter_is_taken_only_when_asked_for() {
    let model = root().join("models/lenet5.onnx");
    let arguments = ["run", model.to_str().expect("UTF-8"), "--input", "random"];
    let unasked = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env_remove("CONVOKE_ADAPTER");
        finish(command)
    };
    let run = unasked(&arguments);
    assert_eq!((run.code, run.complaints()), (Some(0), vec![]), "{}", run.stderr);
    let all = adapters();
    if AdapterChoice::Hardware.choose(&all).is_err() {
        assert!(run.stderr.contains("CPU ("), "{}", run.stderr);
        let devices = unasked(&["devices"]);
        assert!(devices.stdout.contains("chosen: the CPU, since"), "{}", devices.stdout);
    }
    let Ok(software) = AdapterChoice::Software.choose(&all) else {
        return;
    };
    let name = &all[software].name;
    let mut by_environment = command(&arguments);
    by_environment.env("CONVOKE_ADAPTER", "software");
    for run in [
        unasked(&[&arguments[..], &["--adapter", "software"]].concat()),
        unasked(&[&arguments[..], &["--adapter", name]].concat()),
        finish(by_environment),
    ] {
        assert_eq!((run.code, run.complaints()), (Some(0), vec![]), "{}", run.stderr);
        assert!(run.stderr.contains(name.as_str()), "{}", run.stderr);
    }
}

#[test]
fn an_adapter_asked_for_and_missing_is_an_error() {
    for subcommand in ["digits", "devices"] {
        let run = convoke(&[subcommand, "--adapter", "no such adapter"]);
        assert_eq!(run.code, Some(1), "{subcommand}");
        assert!(
            run.stderr.starts_with("error: no GPU adapter: one named \"no such adapter\""),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn each_sample_is_read_as_its_name_says_on_every_backend() {
    for backend in [&["digits"][..], &["digits", "--adapter", "cpu"]] {
        let mut all = command(backend);
        all.args(["0", "3", "5", "6"].map(|digit| sample(&format!("{digit}.png"))));
        let run = finish(all);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        for digit in 0..=9 {
            let read = run.stdout.contains(&format!("{digit}.png: {digit} ("));
            assert_eq!(read, [0, 3, 5, 6].contains(&digit), "{}", run.stdout);
        }
    }
}

#[test]
fn bad_pictures_are_named_and_the_others_are_still_read() {
    let cases = [
        (sample("missing.png"), "No such file"),
        (scratch("text.png", b"Dear reader,"), "not a readable PNG"),
        (scratch("cut.png", &png(40, 40)[..50]), "not a readable PNG"),
        (scratch("wide.png", &png(9000, 1)), "9000x1 pixels"),
        (scratch("empty.png", &without_columns(png(40, 40))), "not a readable PNG"),
        (Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned(), "directory"),
    ];
    let good = sample("3.png");
    let mut all = command(&["digits", "--adapter", "cpu"]);
    all.args(cases.iter().map(|(path, _)| path)).arg(&good);
    let run = finish(all);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("3.png: 3 ("), "{}", run.stdout);
    for (path, message) in &cases {
        let start = format!("error: {}: ", path.display());
        let line = run.stderr.lines().find(|line| line.starts_with(&start));
        // The operating system words the missing file and the directory.
        let said = line.is_some_and(|line| line.contains(message) || !cfg!(unix));
        assert!(said, "{message}: {}", run.stderr);
    }
}

/// A PNG whose header claims a width of 0, with the right checksum.
fn without_columns(mut png: Vec<u8>) -> Vec<u8> {
    png[16..20].fill(0);
    let mut checksum = u32::MAX;
    for &byte in &png[12..29] {
        checksum ^= u32::from(byte);
        for _ in 0..8 {
            checksum = (checksum >> 1) ^ (0xEDB8_8320 * (checksum & 1));
        }
    }
    png[29..33].copy_from_slice(&(!checksum).to_be_bytes());
    png
}

#[test]
fn a_model_that_does_not_fit_is_an_error_that_names_the_file() {
    let text = scratch("model.safetensors", b"Dear reader,");
    for option in ["--model", "--test-set"] {
        let run = convoke(&["digits", "--adapter", "cpu", option, text.to_str().expect("UTF-8")]);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains("model.safetensors"), "{}", run.stderr);
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &["nonsense"][..],
        &[],
        &["digits", "--count", "0"],
        &["digits", "--count", "3", "a.png"],
    ] {
        let run = convoke(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}");
        assert!(run.stderr.contains("--help"), "{arguments:?}: {}", run.stderr);
    }
    let run = convoke(&["--version"]);
    assert_eq!(run.stdout.trim(), concat!("convoke ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = command(&["digits", "--adapter", "cpu", "--count", "2"]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the command ends");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(0), 1), "{stderr}");
    assert!(stderr.starts_with("running on "), "{stderr}");
}

fn lenet() -> String {
    let path = root().join("models/lenet5.onnx");
    path.display().to_string()
}

#[test]
fn run_reads_a_digit_with_an_onnx_model() {
    let labels = scratch("labels.txt", b"zero\none\ntwo\nthree\nfour\n");
    let logits = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logits.npy");
    let input = format!("input={}", sample("3.png").display());
    let output = format!("logits={}", logits.display());
    let (model, labels) = (lenet(), labels.display().to_string());
    for backend in ["auto", "cpu", "reference"] {
        let arguments = ["run", &model, "--input", &input, "--digit", "--output", &output];
        let more = ["--top", "3", "--labels", &labels, "--backend", backend];
        let run = convoke(&[&arguments[..], &more].concat());
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("logits [1, 10]: "), "{}", run.stdout);
        let ranked: Vec<&str> = run.stdout.lines().rev().take(3).collect();
        assert!(
            ranked[2].starts_with("     3  ") && ranked[2].ends_with("three"),
            "{}",
            run.stdout
        );
    }
    // What was written can be read: ten floats after NumPy's header.
    let bytes = std::fs::read(&logits).expect("the logits");
    assert!(bytes.starts_with(b"\x93NUMPY") && bytes.len() == 128 + 40, "{}", bytes.len());
}

#[test]
fn run_takes_arrays_and_random_numbers_and_refuses_anything_else() {
    let model = lenet();
    let run = convoke(&["run", &model, "--input", "input=random", "--backend", "reference"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    // A header that claims 2^40 numbers.
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }";
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(format!("{header:<117}\n").bytes());
    let npy = format!("input={}", scratch("huge.npy", &npy).display());
    let text = format!("input={}", scratch("words.txt", b"").display());
    for (arguments, part) in [
        (vec!["--input", npy.as_str()], "huge.npy"),
        (vec!["--input", text.as_str()], "neither .npy nor a picture (.png, "),
        (
            vec!["--input", "image=random"],
            "no input \"image\"; there is input [batch, 1, 28, 28]",
        ),
        (vec![], "input input [batch, 1, 28, 28] is missing"),
        (vec!["--input", "input=random", "--output", "y=y.npy"], "no output \"y\""),
        (vec!["--input", "input=none.png"], "none.png"),
    ] {
        let run = convoke(&[&["run", &model, "--backend", "reference"], arguments.as_slice()].concat());
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.contains(part),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn run_reads_pictures_as_asked() {
    let digit = sample("3.png").display().to_string();
    // The same picture as a JPEG file, under a wrong name.
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = image::open(&digit).expect("a picture").into_luma8();
    picture.write_to(&mut jpeg, image::ImageFormat::Jpeg).expect("a JPEG");
    let jpeg = scratch("really-a-jpeg.png", jpeg.get_ref()).display().to_string();
    let model = lenet();
    // Ink is white and paper black for this model: with --digit that is found out, otherwise --range says it.
    for arguments in [
        &["--input", &digit, "--digit"][..],
        &["--input", &jpeg, "--digit"],
        &["--input", &digit, "--resize", "28", "--crop", "28", "--range", "1..0"],
        &[
            "--input", &digit, "--resize", "28", "--crop", "28x28", "--range", "255..0", "--std", "255",
        ],
        &["--input", &digit, "--range", "1..0"],
    ] {
        let run = convoke(&[&["run", &model, "--top", "1", "--backend", "reference"], arguments].concat());
        assert_eq!((run.code, run.complaints()), (Some(0), vec![]), "{arguments:?}");
        let top = run.stdout.lines().last().unwrap_or_default();
        assert!(top.starts_with("     3  "), "{arguments:?}: {}", run.stdout);
    }
    for (arguments, code, part) in [
        (
            &["--input", &digit, "--crop", "20"][..],
            1,
            "3.png: 20x20 pixels after --resize and --crop, but the input takes 28x28",
        ),
        (
            &["--input", &digit, "--resize", "20", "--crop", "28"],
            1,
            "3.png: 28x28 cannot be cropped from ",
        ),
        (&["--input", &digit, "--imagenet"], 1, "3.png: "),
        (
            &["--input", &digit, "--mean", "1,2,3"],
            1,
            "--mean has 3 numbers, but the input takes 1 channels",
        ),
        (&["--input", "random", "--resize", "28"], 1, "no input is a picture"),
        (&["--input", "random", "--digit"], 1, "no input is a picture"),
        (
            &["--input", &digit, "--input", "input=random"],
            1,
            "input \"input\" is given twice",
        ),
        (&["--input", &digit, "--std", "0"], 2, "numbers other than 0"),
        (&["--input", &digit, "--crop", "28x"], 2, "N or HxW"),
        (&["--input", &digit, "--range", "0-1"], 2, "BLACK..WHITE"),
        (&["--input", "input="], 2, "a file, a folder, `-` or `random`"),
    ] {
        let run = convoke(&[&["run", &model, "--backend", "reference"], arguments].concat());
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stdout);
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn inspect_says_what_a_model_is() {
    let run = convoke(&["inspect", &lenet()]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for line in [
        "runs        on GPUs and on the CPU\nopset       17",
        "input       input [batch, 1, 28, 28] FLOAT",
        "output      logits [batch, 10] FLOAT",
        "parameters  61706",
        // 2 * (6 * 28 * 28 * 25 + 16 * 10 * 10 * 150 + 120 * 400 + 120 * 84 + 84 * 10)
        "FLOPs       833040 ",
        "         3  Conv",
        // The activations ride on what is before them.
        "     3        3  conv2d",
        "     4        0  relu",
        "    12        8  operators together",
        // Flattening is a view.
        "    11        7  dispatches a run",
        // [1, 6, 28, 28] and [1, 6, 14, 14] of 4 bytes; ten logits go to the output.
        "23 KiB is the least",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let run = convoke(&["inspect", &lenet(), "--shape", "input=8x1x28x28"]);
    assert!(run.stdout.contains("FLOPs       6664320 "), "{}", run.stdout);
    for (shape, code, part) in [
        ("image=1x1x28x28", 1, "--shape image: there is no such input"),
        ("input=8x1x28xN", 2, "NAME=1x3x224x224 is expected"),
    ] {
        let run = convoke(&["inspect", &lenet(), "--shape", shape]);
        assert_eq!(run.code, Some(code), "{}", run.stdout);
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    let none = scratch("none.onnx", b"not a model");
    let run = convoke(&["inspect", &none.display().to_string()]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("none.onnx: not a readable ONNX file"), "{}", run.stderr);
}

/// A field of a protobuf message, with less than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, content.len() as u8], content].concat()
}

/// An ONNX file of two operators that there are not, from `x [2]` to `y`, with the operators of a domain.
fn of_no_operators(domain: &str) -> Vec<u8> {
    let node = |input: &str, output: &str| {
        let parts = [
            field(1, input.as_bytes()),
            field(2, output.as_bytes()),
            field(4, b"Frobnicate"),
        ];
        field(1, &parts.concat())
    };
    let extent = field(2, &field(1, &[0x08, 2]));
    let kind = field(2, &field(1, &[&[0x08, 1], extent.as_slice()].concat()));
    let input = field(11, &[field(1, b"x"), kind].concat());
    let graph = [node("x", "between"), node("between", "y"), input, field(12, &field(1, b"y"))].concat();
    [
        vec![0x08, 8],
        field(7, &graph),
        field(8, &[field(1, domain.as_bytes()), vec![0x10, 17]].concat()),
    ]
    .concat()
}

#[test]
fn what_is_not_supported_is_counted_and_the_nodes_are_named_where_that_is_asked_for() {
    let model = scratch("frobnicate.onnx", &of_no_operators("")).display().to_string();
    let run = convoke(&["inspect", &model]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    let start = "runs        not: onnx: unsupported: 2 of the model's 2 nodes (opset 17):\n  2 x Frobnicate: no such operator\n";
    assert!(run.stdout.starts_with(start), "{}", run.stdout);
    let arguments = ["run", &model, "--input", "random", "--backend", "cpu"];
    let run = convoke(&arguments);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stderr.contains("2 x Frobnicate: no such operator\n-v names the nodes"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("between"), "{}", run.stderr);
    let run = convoke(&[&arguments[..], &["-v"]].concat());
    assert!(run.stderr.contains("node of \"between\" (Frobnicate)"), "{}", run.stderr);
}

#[test]
fn random_inputs_have_the_shape_that_is_asked_for() {
    let model = lenet();
    let run = convoke(&[
        "run",
        &model,
        "--input",
        "random",
        "--shape",
        "input=3x1x28x28",
        "--backend",
        "cpu",
    ]);
    assert!(run.stdout.contains("logits [3, 10]"), "{}{}", run.stdout, run.stderr);
    let run = convoke(&[
        "run",
        &model,
        "--input",
        "random",
        "--shape",
        "input=3x1x28",
        "--backend",
        "cpu",
    ]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("expected 4 axes, but got 3"), "{}", run.stderr);
}

/// A folder of this test's own with the files of an ONNX node case.
fn node_case(folder: &str, name: &str) -> PathBuf {
    let source = root().join("tests/data/onnx_node").join(name);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder).join(name);
    std::fs::create_dir_all(target.join("test_data_set_0")).expect("the folder");
    std::fs::copy(source.join("model.onnx"), target.join("model.onnx")).expect("the model is copied");
    for file in std::fs::read_dir(source.join("test_data_set_0")).expect("the data") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), target.join("test_data_set_0").join(file.file_name())).expect("the file is copied");
    }
    target
}

#[test]
fn conformance_runs_every_case_below_a_folder() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    // What an earlier version of this test left.
    drop(std::fs::remove_dir_all(&folder));
    let folder = folder.display().to_string();
    node_case("conformance/one", "test_maxpool_2d_ceil");
    node_case("conformance/two/deeper", "test_relu");
    let foreign = node_case("conformance", "test_sigmoid");
    std::fs::write(foreign.join("model.onnx"), of_no_operators("ai.onnx.ml")).expect("the model is written");
    for backend in ["auto", "cpu", "reference"] {
        let run = convoke(&["conformance", &folder, "--backend", backend]);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.ends_with("2 passed, 0 failed, 1 skipped\n"), "{}", run.stdout);
        let skipped = run.stdout.lines().find(|line| line.starts_with("skipped"));
        assert!(
            skipped.is_some_and(|line| line.contains("test_sigmoid: ") && line.contains("\"ai.onnx.ml\"")),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn conformance_fails_where_an_output_differs_or_there_is_no_case() {
    let case = node_case("conformance_wrong", "test_relu");
    let output = case.join("test_data_set_0/output_0.pb");
    let mut bytes = std::fs::read(&output).expect("the output");
    // The last element, a little-endian float, becomes 1000.
    let place = bytes.len() - 4;
    bytes[place..].copy_from_slice(&1000_f32.to_le_bytes());
    std::fs::write(&output, bytes).expect("the output is written");
    let folder = case.display().to_string();
    let run = convoke(&["conformance", &folder, "--backend", "reference"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("test_relu: test_data_set_0: output y [3, 4, 5]: 1 of 60 elements differ"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.ends_with("0 passed, 1 failed, 0 skipped\n"), "{}", run.stdout);
    let run = convoke(&["conformance", &folder, "--backend", "reference", "--atol", "2000"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);

    let data = case.join("test_data_set_0").display().to_string();
    let run = convoke(&["conformance", &data, "--backend", "reference"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("no folder with a model.onnx"), "{}", run.stderr);
    let run = convoke(&["conformance", "no/such/folder", "--backend", "reference"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("no/such/folder: "), "{}", run.stderr);
}

/// One line each, with the file's name, and no panic.
#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let folder = env!("CARGO_TARGET_TMPDIR").to_owned();
    let empty = scratch("empty.onnx", b"").display().to_string();
    let picture = sample("3.png").display().to_string();
    for subcommand in ["run", "inspect", "verify"] {
        for (model, part) in [
            (empty.as_str(), "empty.onnx: the file is empty"),
            (folder.as_str(), "not a plain file"),
            ("missing.onnx", "missing.onnx: "),
            (picture.as_str(), "3.png: not a readable ONNX file"),
        ] {
            let run = convoke(&[subcommand, model]);
            assert_eq!((run.code, run.stderr.lines().count()), (Some(1), 1), "{}", run.stderr);
            assert!(
                run.stderr.starts_with("error: ") && run.stderr.contains(part),
                "{}",
                run.stderr
            );
        }
    }
    let model = lenet();
    let file = |name: &str, bytes: &[u8]| scratch(name, bytes).display().to_string();
    let npy = Path::new(&folder).join("folder.npy");
    std::fs::create_dir_all(&npy).expect("a folder");
    for (input, part) in [
        (file("none.npy", b""), "none.npy: 0 bytes, and 1 to "),
        (file("cut.npy", b"\x93NUMPY\x01\x00"), "cut.npy: not a readable .npy file"),
        (npy.display().to_string(), "folder.npy: not a plain file"),
        (file("none.jpg", b""), "none.jpg: 0 bytes, and 1 to "),
        (
            file("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
            "cut.jpg: not a readable PNG, JPEG",
        ),
    ] {
        let run = convoke(&["run", &model, "--backend", "reference", "--input", &input]);
        assert_eq!((run.code, run.stderr.lines().count()), (Some(1), 1), "{}", run.stderr);
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.contains(part),
            "{}",
            run.stderr
        );
    }
    let run = convoke(&["run", &model, "--input", "random", "--top", "0"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
}

#[test]
fn verify_checks_every_operator_on_the_gpu() {
    let input = format!("input={}", sample("3.png").display());
    let arguments = ["verify", &lenet(), "--input", &input];
    let run = convoke(&arguments);
    if run.stderr.contains("no GPU adapter") {
        // Shown by the GPU tests, which count as skipped; where an adapter is required, it is missed here too.
        assert_ne!(std::env::var("CONVOKE_REQUIRE_GPU").as_deref(), Ok("1"), "{}", run.stderr);
        assert_eq!(run.code, Some(1));
    } else {
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        // Three convolutions and two linear layers with what follows them, two poolings, one flattening.
        assert!(run.stdout.contains("all 8 operators"), "{}", run.stdout);
    }
    for cpu in [["--adapter", "cpu"], ["--backend", "cpu"]] {
        let run = convoke(&[&arguments[..], &cpu].concat());
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("all 8 operators"), "{}", run.stdout);
    }
    let run = convoke(&[&arguments[..], &["--backend", "reference"]].concat());
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("the reference is what others are verified against"),
        "{}",
        run.stderr
    );
    let run = convoke(&["verify", &lenet(), "--input", "image=random"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("there is no input \"image\""), "{}", run.stderr);
}

#[cfg(feature = "wrong-kernel")]
#[test]
fn verify_names_the_layer_that_a_wrong_kernel_spoils() {
    let with = |change: &str| {
        let input = format!("input={}", sample("3.png").display());
        let mut command = command(&["verify", &lenet(), "--input", &input]);
        command.env("CONVOKE_WRONG_KERNEL", change);
        finish(command)
    };
    if AdapterChoice::from_env().choose(&adapters()).is_err() {
        return; // `verify_checks_every_operator_on_the_gpu` has said so.
    }
    // Windows of the poolings one column too far right.
    let run = with("pool2d_window:i32(params.pad_left), i32(params.in_width)=>i32(params.pad_left) + 1, i32(params.in_width)");
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let wrong: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert_eq!(wrong.len(), 2, "{}", run.stdout);
    // The first of them reads what the first convolution made.
    for part in [
        "max_pool2d",
        "[1, 6, 14, 14]: ",
        " elements differ; the worst at [0, ",
        ": got ",
        ", want ",
        "bound 0e0)",
    ] {
        assert!(wrong[0].contains(part), "{part}: {}", wrong[0]);
    }
    assert!(run.stdout.contains("2 of 8 operators differ"), "{}", run.stdout);
    assert!(
        run.stderr.contains("pool2d_window is made wrong on purpose"),
        "{}",
        run.stderr
    );
    for (change, part) in [
        (
            "pool2d_window:no such text=>x",
            "pool2d_window does not contain \"no such text\"",
        ),
        ("pool:a=>b", "there is no kernel \"pool\""),
        ("pool2d_window", "KERNEL:FROM=>TO"),
    ] {
        let run = with(change);
        assert_eq!(
            (run.code, run.stdout.lines().any(|line| line.starts_with("verified"))),
            (Some(1), false)
        );
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}
