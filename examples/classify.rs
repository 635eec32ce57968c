//! What a picture shows: `cargo run --release --features onnx --example classify -- MODEL.onnx PICTURE [LABELS.txt]`
//!
//! For networks of torchvision's kind: [N, 3, H, W] with ImageNet's means, or [N, 1, H, W] of grey levels.

use std::error::Error;

use convoke::onnx::Model;
use convoke::{Backend, Session};
use convoke_vision::{Colours, Filter, Labels, Layout, Picture, Ranked, Scaling, softmax, top_k};
use ndarray::Axis;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, picture, labels) = match arguments.as_slice() {
        [model, picture] => (model, picture, Labels::default()),
        [model, picture, labels] => (model, picture, Labels::parse(&std::fs::read_to_string(labels)?)),
        _ => return Err("expected MODEL.onnx PICTURE [LABELS.txt]".into()),
    };
    for Ranked { class, score } in classify(model, picture)? {
        println!("{score:.4}  {}", labels.name(class).map_or(class.to_string(), str::to_owned));
    }
    Ok(())
}

/// The five likeliest classes, and how likely each is.
pub(crate) fn classify(model: &str, picture: &str) -> Result<Vec<Ranked>, Box<dyn Error>> {
    let session = Session::new(Model::open(model)?, &Backend::auto())?;
    let shape = session.inputs()[0].default_shape().unwrap_or_default();
    let &[_, channels, height, width] = shape.as_slice() else {
        return Err("expected an input [N, C, H, W] of a known size".into());
    };
    let picture = Picture::open(picture, Colours::of(channels)?)?;
    let (prepared, scaling) = if channels == 3 {
        // As torchvision's weights expect it: the shorter side to 256 of 224, then the middle.
        let shorter = height.min(width) * 256 / 224;
        let resized = picture.resized_shorter(shorter, Filter::Bilinear)?;
        (resized.cropped(height, width)?, Scaling::imagenet())
    } else {
        (picture.resized(height, width, Filter::Bilinear)?, Scaling::default())
    };
    let batch = scaling.batch(&[prepared], Layout::Nchw)?.into_dyn();
    let scores = session.run(&[batch.view()])?.swap_remove(0);
    let row = scores.index_axis(Axis(0), 0);
    Ok(top_k(softmax(&row.into_dimensionality()?), 5))
}
