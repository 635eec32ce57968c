//! What Pillow, OpenCV, torchvision and ultralytics made of the same pictures and outputs (`tools/make_vision_cases.py`).

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::PathBuf;

use convoke_vision::{Colours, Detection, Filter, Head, Keep, LETTERBOX_GREY, Picture, Rect, ssd};
use ndarray::{ArrayD, Axis, Ix2};
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data(name)).unwrap()).unwrap()
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn reals(value: &Value) -> Vec<f32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap() as f32)
        .collect()
}

fn rects(value: &Value) -> Vec<Rect> {
    let numbers = match value[0].as_array() {
        Some(_) => value.as_array().unwrap().iter().flat_map(reals).collect(),
        None => reals(value),
    };
    numbers
        .chunks_exact(4)
        .map(|side| Rect::new(side[0], side[1], side[2], side[3]))
        .collect()
}

/// The tool's `picture`.
fn source(size: &Value) -> Picture {
    let [height, width, channels] = [0, 1, 2].map(|index| whole(&size[index]));
    let level = |y: usize, x: usize, c: usize| match c {
        1 => 3 * x + 2 * y,
        _ => 37 * x + 11 * y + 7 * x * x * c + 91 * c * y * x,
    };
    let places = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| level(y, x, c) as u8)));
    Picture::new(height, width, channels, places.collect()).unwrap()
}

fn check_levels(made: &Picture, case: &Value) {
    let text = case["levels"].as_str().unwrap();
    let levels = (0..text.len() / 2).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap());
    let (height, width) = (whole(&case["to"][0]), whole(&case["to"][1]));
    let want = Picture::new(height, width, made.channels(), levels.collect()).unwrap();
    let apart = made
        .levels()
        .iter()
        .zip(want.levels())
        .filter(|(got, want)| got != want)
        .count();
    let name = &case["filter"];
    assert_eq!(
        (made.height(), made.width(), apart),
        (height, width, 0),
        "{name} {} to {}",
        case["from"],
        case["to"]
    );
}

#[test]
fn sizes_are_pillows_and_opencvs_to_the_byte() {
    let cases = read("resize.json");
    let filters = [
        Filter::Nearest,
        Filter::Box,
        Filter::Bilinear,
        Filter::Bicubic,
        Filter::Lanczos,
        Filter::Linear,
    ];
    for case in cases["resize"].as_array().unwrap() {
        let filter = filters
            .into_iter()
            .find(|filter| format!("{filter:?}") == case["filter"].as_str().unwrap())
            .unwrap();
        let (height, width) = (whole(&case["to"][0]), whole(&case["to"][1]));
        check_levels(&source(&case["from"]).resized(height, width, filter).unwrap(), case);
    }
    assert_eq!(cases["resize"].as_array().unwrap().len(), 66);
    for case in cases["shorter"].as_array().unwrap() {
        check_levels(
            &source(&case["from"])
                .resized_shorter(whole(&case["side"]), Filter::Bilinear)
                .unwrap(),
            case,
        );
    }
}

#[test]
fn letterboxes_are_ultralytics() {
    for case in read("resize.json")["letterbox"].as_array().unwrap() {
        let (height, width) = (whole(&case["to"][0]), whole(&case["to"][1]));
        let (made, placement) = source(&case["from"])
            .letterboxed(height, width, Filter::Linear, LETTERBOX_GREY)
            .unwrap();
        check_levels(&made, case);
        for (rect, want) in rects(&case["boxes"]).into_iter().zip(rects(&case["back"])) {
            let got = placement.back(rect);
            assert!(near(got, want, 1e-4), "{got:?} for {want:?}");
        }
    }
}

fn near(got: Rect, want: Rect, most: f32) -> bool {
    let sides = |rect: Rect| [rect.left, rect.top, rect.right, rect.bottom];
    sides(got)
        .into_iter()
        .zip(sides(want))
        .all(|(got, want)| (got - want).abs() <= most)
}

fn outputs(case: &Value) -> Vec<ArrayD<f32>> {
    let array = |output: &Value| {
        let shape: Vec<usize> = output["shape"].as_array().unwrap().iter().map(whole).collect();
        ArrayD::from_shape_vec(shape, reals(&output["values"])).unwrap()
    };
    case["outputs"].as_array().unwrap().iter().map(array).collect()
}

fn check_found(found: &[Detection], case: &Value) {
    let want: Vec<Vec<f32>> = case["found"].as_array().unwrap().iter().map(reals).collect();
    assert_eq!(found.len(), want.len(), "{}", case["name"]);
    assert!(!found.is_empty());
    for (got, want) in found.iter().zip(want) {
        let rect = Rect::new(want[0], want[1], want[2], want[3]);
        let is_same = near(got.rect, rect, 1e-3) && (got.score - want[4]).abs() < 1e-6 && got.class == want[5] as usize;
        assert!(is_same, "{}: {got:?} for {want:?}", case["name"]);
    }
}

fn keep(case: &Value) -> Keep {
    Keep {
        score: case["score"].as_f64().unwrap() as f32,
        iou: case["iou"].as_f64().unwrap() as f32,
        most: whole(&case["most"]),
        agnostic: case["agnostic"].as_bool().unwrap(),
    }
}

#[test]
fn heads_find_the_same_boxes() {
    let cases = read("boxes.json");
    let heads = [Head::Yolo, Head::YoloV5, Head::Detr, Head::RtDetr];
    let mut checked = 0;
    for case in cases.as_array().unwrap() {
        let Some(head) = heads
            .into_iter()
            .find(|head| format!("{head:?}") == case["name"].as_str().unwrap())
        else {
            continue;
        };
        let size = if case["size"].is_null() {
            (100, 100)
        } else {
            (whole(&case["size"][0]), whole(&case["size"][1]))
        };
        let outputs = outputs(case);
        let views: Vec<_> = outputs.iter().map(|array| array.view()).collect();
        check_found(&head.detections(&views, size, &keep(case)).unwrap()[0], case);
        // A batch of two of them.
        let twice: Vec<_> = views
            .iter()
            .map(|view| ndarray::concatenate(Axis(0), &[view.view(), view.view()]).unwrap())
            .collect();
        let views: Vec<_> = twice.iter().map(|array| array.view()).collect();
        check_found(&head.detections(&views, size, &keep(case)).unwrap()[1], case);
        checked += 1;
    }
    assert_eq!(checked, 8);
}

/// YOLO11n with random weights, by ultralytics' own code, in the picture's own pixels.
#[test]
fn boxes_of_yolo11n_lead_back_to_the_picture() {
    let cases = read("boxes.json");
    let case = cases.as_array().unwrap().iter().find(|case| !case["back"].is_null()).unwrap();
    let mut size = case["from"].clone();
    size.as_array_mut().unwrap().push(3.into());
    let (_, placement) = source(&size).letterboxed(160, 160, Filter::Linear, LETTERBOX_GREY).unwrap();
    let outputs = outputs(case);
    let found = Head::Yolo
        .detections(&[outputs[0].view()], (160, 160), &keep(case))
        .unwrap()
        .swap_remove(0);
    let want = rects(&case["back"]);
    assert!(found.len() == want.len() && found.len() > 3, "{} boxes", found.len());
    for (found, want) in found.iter().zip(want) {
        let got = placement.back(found.rect);
        assert!(near(got, want, 1e-3), "{got:?} for {want:?}");
    }
}

#[test]
fn ssd_is_torchvisions() {
    let cases = read("boxes.json");
    let case = cases.as_array().unwrap().iter().find(|case| case["name"] == "Ssd").unwrap();
    let size = (whole(&case["size"][0]), whole(&case["size"][1]));
    let scales = reals(&case["scales"]);
    let mut anchors = Vec::new();
    for map in 0..2 {
        let boxes = ssd::DefaultBoxes {
            grid: (whole(&case["grids"][map][0]), whole(&case["grids"][map][1])),
            scale: scales[map],
            next_scale: scales[map + 1],
            ratios: &reals(&case["aspect_ratios"][map]),
            step: Some(whole(&case["steps"][map])),
        };
        anchors.extend(boxes.rects(size));
    }
    let want = rects(&case["anchors"]);
    assert_eq!(anchors.len(), want.len());
    for (got, want) in anchors.iter().zip(want) {
        assert!(near(*got, want, 1e-4), "{got:?} for {want:?}");
    }
    let outputs = outputs(case);
    let [logits, deltas] = [0, 1].map(|index| outputs[index].index_axis(Axis(0), 0).into_dimensionality::<Ix2>().unwrap());
    let keep = ssd::Keep {
        score: 0.05,
        iou: 0.45,
        of_class: whole(&case["of_class"]),
        most: whole(&case["most"]),
    };
    check_found(&ssd::detections(&logits, &deltas, &anchors, size, &keep).unwrap(), case);
}

/// Levels of pixels, which a lossy file is a few off.
fn check_pixels(name: &str, size: (usize, usize), pixels: &[((usize, usize), [u8; 3])]) {
    let picture = Picture::open(data("files").join(name), Colours::Rgb).unwrap();
    assert_eq!((picture.height(), picture.width()), size, "{name}");
    for &((y, x), want) in pixels {
        let got = &picture.levels()[(y * picture.width() + x) * 3..][..3];
        let is_near = got.iter().zip(want).all(|(got, want)| got.abs_diff(want) <= 12);
        assert!(is_near, "{name} at ({x}, {y}): {got:?} for {want:?}");
    }
}

#[test]
fn cameras_pictures_stand_upright() {
    let middles = [
        (4, 4, 20),
        (4, 12, 90),
        (4, 20, 160),
        (12, 4, 230),
        (12, 12, 200),
        (12, 20, 120),
    ];
    let pixels = middles.map(|(y, x, level)| ((y, x), [level; 3]));
    for orientation in 1..=8 {
        check_pixels(&format!("orientation{orientation}.jpg"), (16, 24), &pixels);
    }
}

#[test]
fn files_of_every_kind_look_as_people_expect() {
    let pixels = [((8, 3), [200, 30, 60]), ((8, 12), [20, 160, 90]), ((8, 21), [240, 240, 250])];
    for name in ["cmyk.jpg", "palette.png", "lossy.webp"] {
        check_pixels(name, (16, 24), &pixels);
    }
    // 16 bits: 95 * 689 of 65535.
    check_pixels(
        "grey16.png",
        (8, 12),
        &[((0, 0), [0; 3]), ((7, 11), [255; 3]), ((4, 0), [129; 3])],
    );
}

#[test]
fn damaged_files_are_refused() {
    for entry in std::fs::read_dir(data("files")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(Picture::read(&bytes[..20], Colours::Grey).is_err());
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x55;
            // Whatever comes of it, it does not panic, and a picture has its size.
            if let Ok(picture) = Picture::read(&damaged, Colours::Rgb) {
                assert_eq!(picture.levels().len(), picture.height() * picture.width() * 3);
            }
        }
    }
}
