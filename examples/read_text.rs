//! The digits on a page, in two stages: one network finds the lines, another one reads each.
//! `cargo run --release --features onnx --example read_text -- FINDER.onnx READER.onnx PICTURE`
//!
//! The repository has such networks: `models/digit_finder.onnx`, `models/digit_reader.onnx` and `examples/page.png`.

use std::error::Error;

use convoke::onnx::Model;
use convoke::{Backend, Session};
use convoke_vision::{Colours, Filter, Layout, Picture, Scaling, ctc, mask};
use ndarray::Axis;

/// How high the reader's lines are.
const HEIGHT: usize = 36;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [finder, reader, picture] = arguments.as_slice() else {
        return Err("expected FINDER.onnx READER.onnx PICTURE".into());
    };
    for line in read_text(finder, reader, picture)? {
        println!("{line}");
    }
    Ok(())
}

/// The lines of a page of 224 x 224 pixels, from the top.
pub(crate) fn read_text(finder: &str, reader: &str, picture: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let backend = Backend::auto();
    let (finder, reader) = (
        Session::new(Model::open(finder)?, &backend)?,
        Session::new(Model::open(reader)?, &backend)?,
    );
    let page = Picture::open(picture, Colours::Grey)?.resized(224, 224, Filter::Bilinear)?;
    let input = Scaling::default()
        .batch(std::slice::from_ref(&page), Layout::Nchw)?
        .into_dyn();
    let scores = finder
        .run_named([("page", input.view())])?
        .remove("mask")
        .ok_or("the finder gives no mask")?
        .to_f32();

    // Rows with something other than paper, which belong to one line where they touch.
    let inked = mask::argmax(&scores.index_axis(Axis(0), 0).into_dimensionality()?)?.mapv(|class| u16::from(class > 0));
    let mut lines: Vec<(f32, f32)> = Vec::new();
    for rect in mask::regions(&inked, 1) {
        match lines.last_mut() {
            Some(line) if rect.top < line.1 => line.1 = line.1.max(rect.bottom),
            _ => lines.push((rect.top, rect.bottom)),
        }
    }
    let text = |(top, bottom): (f32, f32)| {
        let top = (f32::midpoint(top, bottom) - HEIGHT as f32 / 2.0).clamp(0.0, (page.height() - HEIGHT) as f32);
        let line = page.part(top as usize, 0, HEIGHT, page.width())?;
        let batch = Scaling::default().batch(&[line], Layout::Nchw)?.into_dyn();
        let scores = reader.run(&[batch.view()])?.swap_remove(0);
        // Class 0 is blank, and 1 to 10 are the digits.
        let read = ctc::greedy(&scores.index_axis(Axis(0), 0).into_dimensionality()?, 0)?;
        Ok(read.classes.iter().map(|class| (class - 1).to_string()).collect())
    };
    lines.into_iter().map(text).collect()
}
