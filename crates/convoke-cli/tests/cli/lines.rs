//! What `convoke run --jsonl` makes of many pictures, and what helps in scripts.

use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::command::{Run, convoke, own_path, sample, scratch};
use crate::run::field;

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn lines(run: &Run) -> Vec<Value> {
    run.stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = own_path(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A model of one node, `y` of `x`, which are floats of these extents; 0 is open.
fn one_node(node: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let dim = |(axis, &extent): (usize, &u8)| {
        let known = vec![1 << 3, extent];
        field(1, &if extent == 0 { field(2, &[b'a' + axis as u8]) } else { known })
    };
    let value = |name: &[u8], dims: &[u8]| {
        let shape = field(2, &dims.iter().enumerate().flat_map(dim).collect::<Vec<u8>>());
        let tensor = field(1, &[&[1 << 3, 1], shape.as_slice()].concat());
        [field(1, name), field(2, &tensor)].concat()
    };
    let node = [field(1, b"x"), field(2, b"y"), node.to_vec()].concat();
    let graph = [field(1, &node), field(11, &value(b"x", from)), field(12, &value(b"y", to))].concat();
    [&[1 << 3, 8], field(7, &graph).as_slice(), &field(8, &[2 << 3, 13])].concat()
}

/// Whose outputs [n, 6, 6] are the rows of its pictures: a detector whose boxes are painted.
fn painted_boxes() -> PathBuf {
    let axes = [field(1, b"axes"), vec![8 << 3, 1, 0xa0, 1, 7]].concat();
    let keep = [field(1, b"keepdims"), vec![3 << 3, 0, 0xa0, 1, 2]].concat();
    let node = [field(4, b"ReduceMax"), field(5, &axes), field(5, &keep)].concat();
    scratch("painted.onnx", &one_node(&node, &[0, 1, 6, 6], &[0, 6, 6]))
}

#[test]
fn each_picture_has_its_line_and_failures_are_named() {
    let folder = folder("lines");
    // Dark ink on paper, all three.
    for digit in [6, 0, 3] {
        std::fs::copy(sample(&format!("{digit}.png")), folder.join(format!("{digit}.png"))).expect("a copy");
    }
    std::fs::write(folder.join("4.png"), "none").expect("a file");
    std::fs::write(folder.join("notes.txt"), "none").expect("a file");
    let labels = scratch("digits.txt", b"zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n");
    for batch in ["1", "2", "3", "8"] {
        let options = ["--range", "1..0", "--top", "2", "--labels", text(&labels), "--batch", batch];
        let run = convoke(&[&["run", LENET, text(&folder), "--jsonl", "--adapter", "cpu"], &options[..]].concat());
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert_eq!(run.complaints().len(), 1, "{}", run.stderr);
        assert!(run.complaints()[0].contains("4.png: not a readable"), "{}", run.stderr);
        let lines = lines(&run);
        assert_eq!(lines.len(), 4);
        for (line, (digit, name)) in lines.iter().zip([(0, "zero"), (3, "three"), (4, ""), (6, "six")]) {
            assert!(line["file"].as_str().expect("a name").ends_with(&format!("{digit}.png")));
            if name.is_empty() {
                assert!(
                    line["error"].as_str().expect("a message").starts_with("not a readable"),
                    "{line}"
                );
                continue;
            }
            let best = &line["classes"][0];
            assert_eq!((&best["class"], &best["label"]), (&json!(digit), &json!(name)), "{line}");
            assert!(best["score"].as_f64().expect("a number") > 0.5, "{line}");
            assert_eq!(line["classes"].as_array().map(Vec::len), Some(2));
        }
    }
    let pattern = folder.join("[06].png");
    let run = convoke(&["run", LENET, text(&pattern), "--jsonl", "--quiet", "--backend", "cpu"]);
    assert_eq!((run.code, run.stderr.as_str(), lines(&run).len()), (Some(0), "", 2));
    let none = convoke(&["run", LENET, text(&folder.join("*.gif")), "--jsonl", "--backend", "cpu"]);
    assert!(
        none.code == Some(1) && none.stderr.contains("*.gif: no picture"),
        "{}",
        none.stderr
    );
}

#[test]
fn boxes_are_suppressed_led_back_and_drawn() {
    let rows: [[u8; 6]; 6] = [
        [0, 0, 3, 3, 200, 2],
        [0, 0, 3, 3, 250, 2],
        [0, 0, 3, 3, 20, 2],
        [2, 2, 6, 6, 100, 1],
        [0; 6],
        [0; 6],
    ];
    let folder = folder("boxes");
    let picture = GrayImage::from_fn(6, 6, |x, y| Luma([rows[y as usize][x as usize]]));
    picture.save(folder.join("small.png")).expect("a picture");
    // Twice as high: its boxes are as well.
    let high = image::imageops::resize(&picture, 6, 12, image::imageops::FilterType::Nearest);
    high.save(folder.join("high.png")).expect("a picture");
    let (model, drawn) = (painted_boxes(), folder.join("drawn"));
    let options = [
        "--decode",
        "boxes",
        "--min-score",
        "50",
        "--range",
        "0..255",
        "--filter",
        "nearest",
    ];
    let input = [
        "run",
        text(&model),
        text(&folder),
        "--jsonl",
        "--draw",
        text(&drawn),
        "--backend",
        "cpu",
        "--quiet",
    ];
    let run = convoke(&[&input[..], &options].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for (line, (name, height)) in lines(&run).iter().zip([("high", 2.0), ("small", 1.0)]) {
        let boxes = json!([
            {"class": 2, "score": 250.0, "box": [0.0, 0.0, 3.0, 3.0 * height]},
            {"class": 2, "score": 200.0, "box": [0.0, 0.0, 3.0, 3.0 * height]},
            {"class": 1, "score": 100.0, "box": [2.0, 2.0 * height, 6.0, 6.0 * height]},
        ]);
        assert_eq!(line["boxes"], boxes, "{line}");
        let drawn = image::open(drawn.join(format!("{name}.png"))).expect("a picture").into_rgb8();
        assert_eq!(drawn.get_pixel(0, 0).0, convoke_vision::colour(2), "{name}");
    }
    let unsaid = convoke(&["run", text(&model), text(&folder), "--jsonl", "--backend", "cpu"]);
    assert!(
        unsaid.code == Some(1) && unsaid.stderr.contains("--decode yolo, detr or another"),
        "{}",
        unsaid.stderr
    );
}

#[test]
fn masks_are_counted_in_the_pictures_pixels() {
    let folder = folder("masks");
    let model = scratch(
        "colours.onnx",
        &one_node(&field(4, b"Identity"), &[0, 3, 0, 0], &[0, 3, 0, 0]),
    );
    let picture = RgbImage::from_fn(5, 4, |x, _| if x < 2 { Rgb([200, 10, 20]) } else { Rgb([10, 20, 200]) });
    picture.save(folder.join("halves.png")).expect("a picture");
    let drawn = folder.join("drawn");
    let run = convoke(&[
        "run",
        text(&model),
        text(&folder.join("halves.png")),
        "--jsonl",
        "--backend",
        "cpu",
        "--draw",
        text(&drawn),
    ]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        lines(&run)[0]["mask"],
        json!([{"class": 0, "pixels": 8}, {"class": 2, "pixels": 12}])
    );
    let drawn = image::open(drawn.join("halves.png")).expect("a picture").into_rgb8();
    assert_eq!(drawn.get_pixel(0, 0).0, [200, 10, 20]);
    assert_ne!(drawn.get_pixel(4, 0).0, [10, 20, 200]);
}

#[test]
fn shells_get_their_completions() {
    for (shell, part) in [
        ("bash", "complete -F _convoke"),
        ("zsh", "#compdef convoke"),
        ("fish", "complete -c convoke"),
    ] {
        let run = convoke(&["completions", shell]);
        assert!(
            run.code == Some(0) && run.stdout.contains(part) && run.stdout.contains("jsonl"),
            "{shell}: {}",
            run.stderr
        );
    }
    assert_eq!(convoke(&["completions", "abacus"]).code, Some(2));
    let without = convoke(&["run", LENET, "photo.png"]);
    assert!(
        without.code == Some(2) && without.stderr.contains("--jsonl"),
        "{}",
        without.stderr
    );
}
