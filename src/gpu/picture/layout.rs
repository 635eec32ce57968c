//! How a picture's bytes lie in memory.

use super::NAME;
use crate::error::{Error, Result, ensure};

/// What the bytes of a pixel are. Alpha is neither read nor blended; where it is written it is 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One level.
    Gray8,
    /// Red, green, blue.
    Rgb8,
    /// Blue, green, red, as `OpenCV` has them.
    Bgr8,
    /// Red, green, blue, alpha.
    Rgba8,
    /// Blue, green, red, alpha.
    Bgra8,
}

impl PixelFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Gray8, Self::Rgb8, Self::Bgr8, Self::Rgba8, Self::Bgra8];

    /// The bytes of a pixel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Rgb8 | Self::Bgr8 => 3,
            Self::Rgba8 | Self::Bgra8 => 4,
        }
    }

    /// The format of a texture's texels. Levels are taken as they are stored: those of a format that ends in `Srgb` are not made
    /// linear, as pictures in files are not.
    ///
    /// Errors: `Unsupported` for formats other than `R8Unorm`, `Rgba8Unorm`, `Bgra8Unorm` and the latter two with `Srgb`.
    pub fn of_texture(format: wgpu::TextureFormat) -> Result<Self> {
        use wgpu::TextureFormat;

        match format {
            TextureFormat::R8Unorm => Ok(Self::Gray8),
            TextureFormat::Rgba8Unorm | TextureFormat::Rgba8UnormSrgb => Ok(Self::Rgba8),
            TextureFormat::Bgra8Unorm | TextureFormat::Bgra8UnormSrgb => Ok(Self::Bgra8),
            other => Err(Error::unsupported(
                NAME,
                format!("textures of {other:?}: expected R8Unorm, Rgba8Unorm, Bgra8Unorm or one of the latter with Srgb"),
            )),
        }
    }

    /// Whether the first of three colours is blue.
    pub(super) const fn blue_first(self) -> bool {
        matches!(self, Self::Bgr8 | Self::Bgra8)
    }

    /// Where red, green and blue stand.
    pub(super) const fn colors(self) -> [u32; 3] {
        match self {
            Self::Gray8 => [0, 0, 0],
            Self::Rgb8 | Self::Rgba8 => [0, 1, 2],
            Self::Bgr8 | Self::Bgra8 => [2, 1, 0],
        }
    }
}

/// How a picture's bytes lie in memory: row after row from the top, the bytes of a pixel side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PictureLayout {
    /// What the bytes of a pixel are.
    pub format: PixelFormat,
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Bytes from one row to the next.
    pub pitch: usize,
}

impl PictureLayout {
    /// Rows without anything between them.
    pub const fn new(format: PixelFormat, height: usize, width: usize) -> Self {
        Self {
            format,
            height,
            width,
            pitch: width * format.bytes(),
        }
    }

    /// The same with so many bytes from one row to the next.
    #[must_use]
    pub const fn with_pitch(self, pitch: usize) -> Self {
        Self { pitch, ..self }
    }

    /// How a texture's first layer is copied to and from buffers: rows begin at multiples of 256 bytes, as wgpu wants it.
    ///
    /// Errors: as [`PixelFormat::of_texture`].
    pub fn of_texture(texture: &wgpu::Texture) -> Result<Self> {
        let format = PixelFormat::of_texture(texture.format())?;
        let (height, width) = (texture.height() as usize, texture.width() as usize);
        let pitch = (width * format.bytes()).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
        Ok(Self::new(format, height, width).with_pitch(pitch))
    }

    /// The bytes from the first to the last.
    pub fn bytes(&self) -> usize {
        (self.height.saturating_sub(1))
            .saturating_mul(self.pitch)
            .saturating_add(self.width.saturating_mul(self.format.bytes()))
    }

    /// Refuses what is no picture, or too large for numbers of 32 bits.
    pub(super) fn check(&self) -> Result<()> {
        let Self {
            format,
            height,
            width,
            pitch,
        } = *self;
        ensure!(
            height > 0 && width > 0,
            NAME,
            "expected a picture with pixels, but got {width} x {height}"
        );
        let row = width.saturating_mul(format.bytes());
        ensure!(
            pitch >= row,
            NAME,
            "expected at least {row} bytes from one row of {width} pixels of {format:?} to the next, but got {pitch}"
        );
        let bytes = (height as u64).saturating_mul(pitch as u64);
        if bytes > u64::from(u32::MAX) {
            return Err(Error::LimitExceeded {
                operator: NAME,
                what: "the bytes of a picture".to_owned(),
                needed: bytes,
                limit: u32::MAX.into(),
            });
        }
        Ok(())
    }

    /// Refuses a texture that does not lie so, or cannot be copied from or to.
    pub(super) fn check_texture(&self, texture: &wgpu::Texture, usage: wgpu::TextureUsages) -> Result<()> {
        let lies = Self::of_texture(texture)?;
        ensure!(lies == *self, NAME, "expected a texture of {self}, but got one of {lies}");
        ensure!(
            texture.dimension() == wgpu::TextureDimension::D2 && texture.sample_count() == 1,
            NAME,
            "expected a texture of two dimensions with one sample a texel, but got {:?} with {}",
            texture.dimension(),
            texture.sample_count()
        );
        ensure!(
            texture.usage().contains(usage),
            NAME,
            "expected a texture with {usage:?}, but it has {:?}",
            texture.usage()
        );
        Ok(())
    }

    /// The part of a copy that is about the buffer.
    pub(super) fn in_buffer(self, buffer: &wgpu::Buffer) -> wgpu::TexelCopyBufferInfo<'_> {
        wgpu::TexelCopyBufferInfo {
            buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(self.pitch as u32),
                rows_per_image: None,
            },
        }
    }

    /// The size of the copy.
    pub(super) fn extent(self) -> wgpu::Extent3d {
        wgpu::Extent3d {
            width: self.width as u32,
            height: self.height as u32,
            depth_or_array_layers: 1,
        }
    }
}

impl std::fmt::Display for PictureLayout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            format,
            height,
            width,
            pitch,
        } = self;
        write!(f, "{width} x {height} pixels of {format:?}, {pitch} bytes a row")
    }
}
