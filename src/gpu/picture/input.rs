//! Pictures as inputs.

use std::sync::Arc;

use super::layout::{PictureLayout, PixelFormat, check_plain, rows_in};
use super::options::{PictureOptions, Placement, Side};
use super::windows::windows;
use super::{NAME, planes};
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::device::tensor::Tensor;
use crate::gpu::eager::Gpu;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::picture::{Pixels, Placed, to_levels, to_planes};
use crate::gpu::plan::executable::Executable;

/// The way of pictures of one size into one input on the device: two dispatches, or three where pixels are no bytes, that resize, place
/// and normalise them. Made by [`Gpu::picture_input`].
#[derive(Debug)]
pub struct PictureInput {
    gpu: Gpu,
    layout: PictureLayout,
    /// The bytes of the picture.
    pixels: Arc<PooledBuffer>,
    executable: Executable,
}

impl Gpu {
    /// Makes all that turns pictures that lie so in memory into one image of a tensor: `[N, C, H, W]`, or `[N, H, W, C]` where the
    /// options say that channels are last, of `f32`, with one channel or three. Colours become one channel as Pillow's mode `L`; gray
    /// becomes three that are alike.
    ///
    /// The tensor is mostly one of [`Resident::inputs`](crate::gpu::Resident::inputs).
    ///
    /// Errors: a tensor of another GPU, type or shape; a layout that is no picture's; numbers of the options that are not as many
    /// as planes; a picture that is too small to be cropped; `LimitExceeded` for one that the device cannot bind.
    pub fn picture_input(
        &self,
        layout: PictureLayout,
        options: &PictureOptions,
        tensor: &Tensor,
        image: usize,
    ) -> Result<PictureInput> {
        layout.check()?;
        self.check_own(NAME, tensor)?;
        let mut recording = self.recording();
        let (planes, channels) = planes(tensor, image, options.channels_last, &mut recording)?;
        let order = match channels {
            1 => vec![0],
            3 if options.blue_first => layout.format.colors().into_iter().rev().collect(),
            3 => layout.format.colors().to_vec(),
            _ => {
                let message = format!("expected a tensor with 1 or 3 channels, but got {:?}", tensor.shape);
                return Err(Error::invalid(NAME, message));
            }
        };
        let size = [planes.height as usize, planes.width as usize];
        let [down, across] = options.placement.sides(&layout, size)?;
        let windows = |length: usize, side: &Side| windows(options.filter, length, side.resized, side.wanted.clone());
        let placed = Placed {
            rows: windows(layout.height, &down),
            columns: windows(layout.width, &across),
            top: down.at as u32,
            left: across.at as u32,
            around: match options.placement {
                Placement::Letterbox { level } => level,
                _ => 0,
            },
            gray: channels == 1 && layout.format != PixelFormat::Gray8,
            order,
            levels: options.levels(channels)?,
        };
        let words = layout.whole_bytes().div_ceil(4);
        let bytes = self.context.capabilities.check_stored(NAME, words, 4)?;
        let pixels = self.context.take(bytes)?;
        let from = recording.import(Some(Arc::clone(&pixels)), &[words], DType::I32, false);
        let from = slot(&from)?;
        let from = match layout.format {
            PixelFormat::Rgba16Float | PixelFormat::Nv12 | PixelFormat::I420 => {
                let conversion = options.luma_chroma.conversion();
                to_levels(
                    from,
                    &layout.planes(),
                    [layout.height, layout.width],
                    &conversion,
                    &mut recording,
                )?
            }
            _ => Pixels {
                slot: from,
                channels: layout.format.bytes() as u32,
                pitch: layout.pitch as u32,
                blue_first: layout.format.blue_first(),
            },
        };
        to_planes(from, &placed, planes, &mut recording)?;
        Ok(PictureInput {
            gpu: self.clone(),
            layout,
            pixels,
            executable: Executable::new(&self.context, &recording, |_| Ok(()))?,
        })
    }
}

impl PictureInput {
    /// How the pictures lie in memory.
    pub fn layout(&self) -> PictureLayout {
        self.layout
    }

    /// Has the device copy a texture's first layer and make the tensor's image of it. The picture's layout is that of
    /// [`PictureLayout::of_texture`].
    ///
    /// Errors: a texture of another format or size, or one without `COPY_SRC`.
    pub fn encode_texture(&self, encoder: &mut wgpu::CommandEncoder, texture: &wgpu::Texture) -> Result<()> {
        self.layout.check_texture(texture, wgpu::TextureUsages::COPY_SRC)?;
        let buffer = self.layout.in_buffer(self.pixels.buffer());
        encoder.copy_texture_to_buffer(texture.as_image_copy(), buffer, self.layout.extent());
        self.encode(encoder)
    }

    /// Has the device copy textures of luma and chroma, and make the tensor's image of them. The picture's layout is that of
    /// [`PictureLayout::of_planes`].
    ///
    /// Errors: textures of other formats or sizes, or one without `COPY_SRC`.
    pub fn encode_planes(&self, encoder: &mut wgpu::CommandEncoder, planes: &[&wgpu::Texture]) -> Result<()> {
        let lies = PictureLayout::of_planes(planes)?;
        ensure!(
            lies == self.layout,
            NAME,
            "expected planes of {}, but got some of {lies}",
            self.layout
        );
        for (plane, rows) in planes.iter().zip(lies.planes()) {
            check_plain(plane, wgpu::TextureUsages::COPY_SRC)?;
            let extent = wgpu::Extent3d {
                depth_or_array_layers: 1,
                ..plane.size()
            };
            encoder.copy_texture_to_buffer(plane.as_image_copy(), rows_in(self.pixels.buffer(), rows), extent);
        }
        self.encode(encoder)
    }

    /// Has the device copy a picture that lies in a buffer from this byte on, and make the tensor's image of it.
    ///
    /// Errors: a buffer that ends too soon or has no `COPY_SRC`; an offset that is no multiple of 4.
    pub fn encode_buffer(&self, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, offset: u64) -> Result<()> {
        let bytes = (self.layout.bytes() as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        ensure!(
            buffer.usage().contains(wgpu::BufferUsages::COPY_SRC) && offset.is_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT),
            NAME,
            "expected a buffer with COPY_SRC and an offset that is a multiple of 4, but got {:?} and {offset}",
            buffer.usage()
        );
        ensure!(
            offset.checked_add(bytes).is_some_and(|end| end <= buffer.size()),
            NAME,
            "expected {bytes} bytes ({}) from byte {offset} on, but the buffer has {}",
            self.layout,
            buffer.size()
        );
        encoder.copy_buffer_to_buffer(buffer, offset, self.pixels.buffer(), 0, bytes);
        self.encode(encoder)
    }

    /// Queues a write of a picture's bytes, for what is submitted after it; [`encode`](Self::encode) makes the tensor's image of them.
    ///
    /// Errors: too few bytes, or too many; what the GPU may report.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let (least, most) = (self.layout.bytes(), self.layout.whole_bytes());
        ensure!(
            (least..=most).contains(&bytes.len()),
            NAME,
            "expected {least} bytes ({}), but got {}",
            self.layout,
            bytes.len()
        );
        let context = &self.gpu.context;
        let whole = bytes.len() / 4 * 4;
        if whole == bytes.len() {
            context.write_buffer(self.pixels.buffer(), bytes);
        } else {
            let mut words = bytes.to_vec();
            words.resize(whole + 4, 0);
            context.write_buffer(self.pixels.buffer(), &words);
        }
        context.check()
    }

    /// Makes the tensor's image of the bytes that were written.
    ///
    /// Errors: none that were seen.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        self.executable.encode(&self.gpu.context, false, encoder)
    }
}
