//! Pictures on the device: bytes and textures as a network's inputs, and its outputs as pictures, without the host.

mod input;
mod layout;
mod options;
mod output;
mod windows;

pub use input::PictureInput;
pub use layout::{PictureLayout, PixelFormat};
pub use options::{Filter, LumaChroma, PictureOptions, Placement};
pub use output::PictureOutput;

use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::gpu::device::tensor::Tensor;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::picture::Planes;
use crate::gpu::plan::recording::{Recording, Value};

const NAME: &str = "picture";

/// The planes of one image of a tensor `[N, C, H, W]`, or `[N, H, W, C]` where channels are last, with their number.
fn planes(tensor: &Tensor, image: usize, channels_last: bool, recording: &mut Recording) -> Result<(Planes, usize)> {
    ensure!(
        tensor.dtype == DType::F32,
        NAME,
        "expected a tensor of f32, but it is {}",
        tensor.dtype
    );
    let [images, a, b, c] = tensor.shape[..] else {
        let order = if channels_last { "[N, H, W, C]" } else { "[N, C, H, W]" };
        return Err(Error::invalid(
            NAME,
            format!("expected a tensor {order}, but got {:?}", tensor.shape),
        ));
    };
    let [channels, height, width] = if channels_last { [c, a, b] } else { [a, b, c] };
    ensure!(
        image < images && channels > 0 && height > 0 && width > 0,
        NAME,
        "expected an image {image} with elements, but the tensor is {:?}",
        tensor.shape
    );
    recording.precision = tensor.precision;
    let value: Value = recording.import(tensor.buffer.clone(), &tensor.shape, tensor.dtype, false);
    let (place_stride, plane_stride) = if channels_last { (channels, 1) } else { (1, height * width) };
    let planes = Planes {
        slot: slot(&value)?,
        height: height as u32,
        width: width as u32,
        first: (image * channels * height * width) as u32,
        place_stride: place_stride as u32,
        plane_stride: plane_stride as u32,
    };
    Ok((planes, channels))
}
