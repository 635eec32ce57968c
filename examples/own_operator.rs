//! An operator that convoke does not have, the median of each pixel's neighbours, which takes specks out of a picture:
//! `cargo run --release --example own_operator -- PICTURE OUTPUT.png`

use std::error::Error;

use convoke::graph::Graph;
use convoke::ops::{CustomKernel, CustomOp, CustomOperator, Expected};
use convoke::{Backend, Session, TensorType};
use convoke_vision::{Colours, Picture};
use ndarray::{Array4, ArrayD, Ix4};

/// The median of the 3 x 3 pixels around each one, of images `[N, C, H, W]`; those on the edge count again beyond it.
#[derive(Debug)]
pub(crate) struct Median;

impl CustomOperator for Median {
    fn name(&self) -> &'static str {
        "median"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> convoke::Result<Vec<Vec<usize>>> {
        match inputs[0] {
            &[_, _, height, width] if height > 0 && width > 0 => Ok(vec![inputs[0].to_vec()]),
            shape => Err(convoke::Error::InvalidArgument {
                operator: "median",
                message: format!("expected images [N, C, H, W], but got {shape:?}"),
            }),
        }
    }

    fn kernel(&self, inputs: &[TensorType], _: &[TensorType]) -> Option<CustomKernel> {
        let size = |axis: usize| inputs[0].shape[axis] as u32;
        let kernel = CustomKernel::new(include_str!("own_operator.wgsl"));
        let kernel = kernel.parameter("height", size(2)).parameter("width", size(3));
        // Nine pixels are read, and each is put in its place among those before it.
        Some(kernel.input("image").output("median").rounds(9 + 9 * 8 / 2))
    }

    fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
        let images = inputs[0].values.view().into_dimensionality::<Ix4>().ok()?;
        let (_, _, height, width) = images.dim();
        let median = Array4::from_shape_fn(images.dim(), |(image, channel, y, x)| {
            let near = |at: usize, step: usize, extent: usize| (at + step).saturating_sub(1).min(extent - 1);
            let pixel = |tap: usize| images[[image, channel, near(y, tap / 3, height), near(x, tap % 3, width)]];
            let mut pixels: Vec<f64> = (0..9).map(pixel).collect();
            pixels.sort_by(f64::total_cmp);
            pixels[4]
        });
        Some(vec![Expected::exact(median.into_dyn())])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [picture, cleaned] = arguments.as_slice() else {
        return Err("expected PICTURE OUTPUT.png".into());
    };
    Ok(without_specks(&Picture::open(picture, Colours::Grey)?)?.save(cleaned)?)
}

/// A grey picture without its specks.
pub(crate) fn without_specks(picture: &Picture) -> Result<Picture, Box<dyn Error>> {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let median = graph.node("median", CustomOp::new(Median), &[image])?;
    graph.output(median)?;
    let session = Session::new(graph, &Backend::auto())?;
    let (height, width) = (picture.height(), picture.width());
    let levels = picture.levels().iter().map(|&level| f32::from(level)).collect();
    let image = ArrayD::from_shape_vec(vec![1, 1, height, width], levels)?;
    let median = session.run(&[image.view()])?.swap_remove(0);
    Ok(Picture::new(
        height,
        width,
        1,
        median.iter().map(|&level| level as u8).collect(),
    )?)
}
