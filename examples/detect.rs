//! Boxes around what a detector finds in the pictures of a folder, drawn into copies:
//! `cargo run --release --features onnx --example detect -- MODEL.onnx FOLDER OUTPUT_FOLDER`
//!
//! For exports of YOLOv8, YOLO11 and their like, [1, 3, H, W] or [1, 1, H, W] to [1, 4 + classes, boxes].

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use convoke::onnx::Model;
use convoke::{Backend, Session};
use convoke_vision::{Colours, Detection, Filter, Head, Keep, LETTERBOX_GREY, Layout, Picture, Scaling, colour};

/// A picture and what is in it.
type Found = (PathBuf, Vec<Detection>);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, output] = arguments.as_slice() else {
        return Err("expected MODEL.onnx FOLDER OUTPUT_FOLDER".into());
    };
    for (path, found) in detect(model, folder, output)? {
        println!("{}: {} found", path.display(), found.len());
        for Detection { rect, class, score } in found {
            println!("  {score:.3}  class {class} at {rect:?}");
        }
    }
    Ok(())
}

/// What is found in each picture, the surest first, in the picture's own pixels.
pub(crate) fn detect(model: &str, folder: &str, output: &str) -> Result<Vec<Found>, Box<dyn Error>> {
    let session = Session::new(Model::open(model)?, &Backend::auto())?;
    let shape = session.inputs()[0].default_shape().unwrap_or_default();
    let &[_, channels, height, width] = shape.as_slice() else {
        return Err("expected an input [N, C, H, W] of a known size".into());
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let picture = Picture::open(&path, Colours::of(channels)?)?;
        let (prepared, placement) = picture.letterboxed(height, width, Filter::Linear, LETTERBOX_GREY)?;
        let batch = Scaling::default().batch(&[prepared], Layout::Nchw)?.into_dyn();
        let outputs = session.run(&[batch.view()])?;
        let views: Vec<_> = outputs.iter().map(|output| output.view()).collect();
        // Boxes of different classes compete: a thing is one thing.
        let keep = Keep {
            agnostic: true,
            iou: 0.3,
            ..Keep::default()
        };
        let mut found = Head::Yolo.detections(&views, (height, width), &keep)?.swap_remove(0);
        let mut drawn = Picture::open(&path, Colours::Rgb)?;
        for detection in &mut found {
            detection.rect = placement.back(detection.rect);
            let colour = colour(detection.class);
            drawn.draw_rect(detection.rect, colour, 2)?;
            drawn.draw_label(detection.rect, &detection.class.to_string(), colour)?;
        }
        drawn.save(
            Path::new(output)
                .join(path.file_name().unwrap_or_default())
                .with_extension("png"),
        )?;
        all.push((path, found));
    }
    Ok(all)
}
