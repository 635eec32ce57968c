//! What each pixel of a picture belongs to, tinted in a copy of it:
//! `cargo run --release --features onnx --example segment -- MODEL.onnx PICTURE OUTPUT.png [NAME]`
//!
//! NAME is the output with scores [1, classes, h, w], the first one where nothing is said; class 0 is the ground.

use std::error::Error;

use convoke::onnx::Model;
use convoke::{Backend, Session};
use convoke_vision::{Colours, Filter, Layout, Picture, Placement, Scaling, mask};
use ndarray::{Array2, Axis};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, picture, drawn, name) = match arguments.as_slice() {
        [model, picture, drawn] => (model, picture, drawn, None),
        [model, picture, drawn, name] => (model, picture, drawn, Some(name.as_str())),
        _ => return Err("expected MODEL.onnx PICTURE OUTPUT.png [NAME]".into()),
    };
    let mask = segment(model, picture, drawn, name)?;
    for class in 0..=mask.iter().copied().max().unwrap_or_default() {
        let part = mask.iter().filter(|&&pixel| pixel == class).count() as f64 / mask.len() as f64;
        println!("class {class}: {:.1} % of the picture", 100.0 * part);
    }
    Ok(())
}

/// The class of each pixel of the picture.
pub(crate) fn segment(model: &str, picture: &str, drawn: &str, name: Option<&str>) -> Result<Array2<u16>, Box<dyn Error>> {
    let session = Session::new(Model::open(model)?, &Backend::auto())?;
    let shape = session.inputs()[0].default_shape().unwrap_or_default();
    let &[_, channels, height, width] = shape.as_slice() else {
        return Err("expected an input [N, C, H, W] of a known size".into());
    };
    let picture_of = |colours| Picture::open(picture, colours);
    let own = picture_of(Colours::of(channels)?)?;
    let prepared = own.resized(height, width, Filter::Bilinear)?;
    let scaling = if channels == 3 {
        Scaling::imagenet()
    } else {
        Scaling::default()
    };
    let batch = scaling.batch(&[prepared], Layout::Nchw)?.into_dyn();

    let infos = session.outputs();
    let place = name.map_or(Some(0), |name| infos.iter().position(|output| output.name == name));
    let place = place.ok_or("there is no output of that name")?;
    let scores = session.run(&[batch.view()])?.swap_remove(place);
    let scores = scores.index_axis(Axis(0), 0).into_dimensionality()?;
    let placement = Placement::stretched((own.height(), own.width()), (height, width));
    let mask = mask::back(&mask::argmax(&scores)?, (height, width), &placement)?;

    let mut tinted = picture_of(Colours::Rgb)?;
    tinted.draw_mask(&mask, Some(0))?;
    tinted.save(drawn)?;
    Ok(mask)
}
