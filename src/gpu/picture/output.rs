//! Outputs as pictures.

use std::sync::Arc;

use super::layout::{PictureLayout, PixelFormat};
use super::{NAME, planes};
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::device::tensor::Tensor;
use crate::gpu::eager::Gpu;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::picture::{Levels, Pixels, from_planes};
use crate::gpu::plan::executable::Executable;

/// The way of one output on the device into pictures. Made by [`Gpu::picture_output`].
#[derive(Debug)]
pub struct PictureOutput {
    gpu: Gpu,
    layout: PictureLayout,
    pixels: Arc<PooledBuffer>,
    executable: Executable,
}

impl Gpu {
    /// Makes all that turns one image of a tensor `[N, C, H, W]` of `f32` into a picture of bytes, of as many rows and pixels: numbers
    /// from `black` to `white` become 0 to 255, rounded to the nearest level, the even one of two, and what lies outside is held to
    /// the ends; in `Rgba16Float` they become 0 to 1, and what lies outside is kept. One channel is gray in any format; three are red, green
    /// and blue, four have alpha besides.
    ///
    /// The tensor is mostly one of [`Resident::outputs`](crate::gpu::Resident::outputs).
    ///
    /// Errors: a tensor of another GPU, type or shape; a format of 3 bytes, or with chroma; rows that are no whole words.
    pub fn picture_output(
        &self,
        tensor: &Tensor,
        image: usize,
        [black, white]: [f32; 2],
        layout: PictureLayout,
    ) -> Result<PictureOutput> {
        layout.check()?;
        self.check_own(NAME, tensor)?;
        let mut recording = self.recording();
        let (planes, channels) = planes(tensor, image, false, &mut recording)?;
        let is_gray = layout.format == PixelFormat::Gray8;
        ensure!(
            matches!(layout.format.bytes(), 1 | 4 | 8) && !layout.format.has_chroma() && layout.pitch.is_multiple_of(4),
            NAME,
            "expected pixels of 1, 4 or 8 bytes and rows of whole words, but got {layout}"
        );
        ensure!(
            (layout.height, layout.width) == (planes.height as usize, planes.width as usize),
            NAME,
            "expected a picture of {} x {} pixels, as the tensor is {:?}, but got {layout}",
            planes.width,
            planes.height,
            tensor.shape
        );
        ensure!(
            black.is_finite() && white.is_finite() && black != white,
            NAME,
            "expected two finite numbers for black and white, but got {black} and {white}"
        );
        let order = match (channels, is_gray) {
            (1, true) => vec![0],
            (1, false) => vec![0; 3],
            (3, false) => layout.format.colors().to_vec(),
            (4, false) => layout.format.colors().into_iter().chain([3]).collect(),
            _ => {
                let message = format!("expected 1 channel for gray and 1, 3 or 4 for colours, but got {channels} for {layout}");
                return Err(Error::invalid(NAME, message));
            }
        };
        let most = if layout.format == PixelFormat::Rgba16Float {
            1.0
        } else {
            255.0
        };
        let scale = most / (f64::from(white) - f64::from(black));
        let levels = Levels {
            scale: scale as f32,
            shift: (-f64::from(black) * scale) as f32,
            order,
        };
        let words = layout.height * (layout.pitch / 4);
        let bytes = self.context.capabilities.check_stored(NAME, words, 4)?;
        let pixels = self.context.take(bytes)?;
        let to = recording.import(Some(Arc::clone(&pixels)), &[words], DType::I32, false);
        let to = Pixels {
            slot: slot(&to)?,
            channels: layout.format.bytes() as u32,
            pitch: layout.pitch as u32,
            blue_first: layout.format.blue_first(),
        };
        from_planes(planes, &levels, to, &mut recording)?;
        Ok(PictureOutput {
            gpu: self.clone(),
            layout,
            pixels,
            executable: Executable::new(&self.context, &recording, |_| Ok(()))?,
        })
    }
}

impl PictureOutput {
    /// How the pictures lie in memory.
    pub fn layout(&self) -> PictureLayout {
        self.layout
    }

    /// Where the picture's bytes lie once what [`encode`](Self::encode) encodes is done.
    pub fn buffer(&self) -> &wgpu::Buffer {
        self.pixels.buffer()
    }

    /// Makes the picture's bytes of the tensor.
    ///
    /// Errors: none that were seen.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        self.executable.encode(&self.gpu.context, false, encoder)
    }

    /// Makes the picture's bytes of the tensor and copies them to a texture's first layer. The picture's layout is that of
    /// [`PictureLayout::of_texture`].
    ///
    /// Errors: a texture of another format or size, or one without `COPY_DST`.
    pub fn encode_texture(&self, encoder: &mut wgpu::CommandEncoder, texture: &wgpu::Texture) -> Result<()> {
        self.layout.check_texture(texture, wgpu::TextureUsages::COPY_DST)?;
        self.encode(encoder)?;
        let buffer = self.layout.in_buffer(self.pixels.buffer());
        encoder.copy_buffer_to_texture(buffer, texture.as_image_copy(), self.layout.extent());
        Ok(())
    }
}
