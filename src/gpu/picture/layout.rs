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
    /// Red, green, blue, alpha as 16-bit floats, of which 0 is level 0 and 1 level 255.
    Rgba16Float,
    /// Video's: rows of luma, and after them rows of chroma, blue and red side by side for every two by two pixels. Rows of chroma lie
    /// as far apart as those of luma.
    Nv12,
    /// The same with all rows of blue, which lie half as far apart as those of luma, before all rows of red. Also called YUV420P.
    I420,
}

impl PixelFormat {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Gray8,
        Self::Rgb8,
        Self::Bgr8,
        Self::Rgba8,
        Self::Bgra8,
        Self::Rgba16Float,
        Self::Nv12,
        Self::I420,
    ];

    /// The bytes of a pixel in a row, which are luma where there is chroma besides.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Gray8 | Self::Nv12 | Self::I420 => 1,
            Self::Rgb8 | Self::Bgr8 => 3,
            Self::Rgba8 | Self::Bgra8 => 4,
            Self::Rgba16Float => 8,
        }
    }

    /// Whether there are rows of chroma after those of luma.
    pub const fn has_chroma(self) -> bool {
        matches!(self, Self::Nv12 | Self::I420)
    }

    /// The format of a texture's texels. Levels are taken as they are stored: those of a format that ends in `Srgb` are not made
    /// linear, as pictures in files are not.
    ///
    /// Errors: `Unsupported` for formats other than `R8Unorm`, `Rgba8Unorm`, `Bgra8Unorm`, the latter two with `Srgb`, and `Rgba16Float`.
    pub fn of_texture(format: wgpu::TextureFormat) -> Result<Self> {
        use wgpu::TextureFormat;

        match format {
            TextureFormat::R8Unorm => Ok(Self::Gray8),
            TextureFormat::Rgba8Unorm | TextureFormat::Rgba8UnormSrgb => Ok(Self::Rgba8),
            TextureFormat::Bgra8Unorm | TextureFormat::Bgra8UnormSrgb => Ok(Self::Bgra8),
            TextureFormat::Rgba16Float => Ok(Self::Rgba16Float),
            other => Err(Error::unsupported(
                NAME,
                format!(
                    "textures of {other:?}: expected R8Unorm, Rgba8Unorm, Bgra8Unorm, one of the latter with Srgb, or Rgba16Float"
                ),
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
            Self::Rgb8 | Self::Rgba8 | Self::Rgba16Float | Self::Nv12 | Self::I420 => [0, 1, 2],
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
            pitch: if format.has_chroma() {
                width.next_multiple_of(2)
            } else {
                width * format.bytes()
            },
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

    /// How textures of planes are copied to buffers: one of luma and one of half its height and width with both chromas, or two with one
    /// each. Rows begin at multiples of 256 bytes.
    ///
    /// Errors: `Unsupported` for other numbers of textures, and formats other than `R8Unorm` for one number a texel, `Rg8Unorm` for two;
    /// sizes that do not belong together.
    pub fn of_planes(planes: &[&wgpu::Texture]) -> Result<Self> {
        use wgpu::TextureFormat::{R8Unorm, Rg8Unorm};

        let formats: Vec<_> = planes.iter().map(|plane| plane.format()).collect();
        let (format, alignment) = match formats[..] {
            [R8Unorm, Rg8Unorm] => (PixelFormat::Nv12, 1),
            [R8Unorm, R8Unorm, R8Unorm] => (PixelFormat::I420, 2),
            _ => {
                let message =
                    format!("planes of {formats:?}: expected R8Unorm and Rg8Unorm, or three of R8Unorm, for luma and chroma");
                return Err(Error::unsupported(NAME, message));
            }
        };
        let (height, width) = (planes[0].height(), planes[0].width());
        for plane in &planes[1..] {
            ensure!(
                (plane.height(), plane.width()) == (height.div_ceil(2), width.div_ceil(2)),
                NAME,
                "expected chroma of {} x {} texels beside luma of {width} x {height}, but got {} x {}",
                width.div_ceil(2),
                height.div_ceil(2),
                plane.width(),
                plane.height()
            );
        }
        let (height, width) = (height as usize, width as usize);
        // Of two texels of chroma side by side, or of one in a row half as long.
        let row = width.next_multiple_of(2);
        let pitch = row.next_multiple_of(alignment * wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
        Ok(Self::new(format, height, width).with_pitch(pitch))
    }

    /// The bytes from the first to the last.
    pub fn bytes(&self) -> usize {
        let [rows, chroma] = self.rows();
        let last = |rows: usize, pitch: usize, row: usize| rows.saturating_sub(1).saturating_mul(pitch).saturating_add(row);
        if chroma == 0 {
            return last(rows, self.pitch, self.width.saturating_mul(self.format.bytes()));
        }
        let luma = rows.saturating_mul(self.pitch);
        let row = self.width.div_ceil(2) * if self.format == PixelFormat::Nv12 { 2 } else { 1 };
        luma.saturating_add(last(chroma, self.chroma_pitch(), row))
    }

    /// The same up to where another row would begin.
    pub(super) fn whole_bytes(&self) -> usize {
        let [rows, chroma] = self.rows();
        let luma = rows.saturating_mul(self.pitch);
        luma.saturating_add(chroma.saturating_mul(self.chroma_pitch()))
    }

    /// How many rows there are of pixels or luma, and of chroma.
    fn rows(&self) -> [usize; 2] {
        let half = self.height.div_ceil(2);
        match self.format {
            PixelFormat::Nv12 => [self.height, half],
            PixelFormat::I420 => [self.height, 2 * half],
            _ => [self.height, 0],
        }
    }

    /// Bytes from one row of chroma to the next.
    fn chroma_pitch(&self) -> usize {
        match self.format {
            PixelFormat::I420 => self.pitch.div_ceil(2),
            _ => self.pitch,
        }
    }

    /// Where each plane begins, and the bytes from one of its rows to the next.
    pub(super) fn planes(&self) -> Vec<(usize, usize)> {
        let luma = self.height * self.pitch;
        let chroma = self.chroma_pitch();
        match self.format {
            PixelFormat::Nv12 => vec![(0, self.pitch), (luma, chroma)],
            PixelFormat::I420 => vec![
                (0, self.pitch),
                (luma, chroma),
                (luma + self.height.div_ceil(2) * chroma, chroma),
            ],
            _ => vec![(0, self.pitch)],
        }
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
        let row = if format.has_chroma() { row.next_multiple_of(2) } else { row };
        ensure!(
            pitch >= row,
            NAME,
            "expected at least {row} bytes from one row of {width} pixels of {format:?} to the next, but got {pitch}"
        );
        ensure!(
            format != PixelFormat::Rgba16Float || pitch.is_multiple_of(4),
            NAME,
            "expected rows of floats that are whole words, but got {pitch} bytes from one to the next"
        );
        let bytes = self.whole_bytes() as u64;
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
        check_plain(texture, usage)
    }

    /// The part of a copy that is about the buffer.
    pub(super) fn in_buffer(self, buffer: &wgpu::Buffer) -> wgpu::TexelCopyBufferInfo<'_> {
        rows_in(buffer, (0, self.pitch))
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

/// Refuses a texture that cannot be copied from or to as one picture.
pub(super) fn check_plain(texture: &wgpu::Texture, usage: wgpu::TextureUsages) -> Result<()> {
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

/// Rows in a buffer from a byte on, so many bytes from one to the next.
pub(super) fn rows_in(buffer: &wgpu::Buffer, (offset, pitch): (usize, usize)) -> wgpu::TexelCopyBufferInfo<'_> {
    wgpu::TexelCopyBufferInfo {
        buffer,
        layout: wgpu::TexelCopyBufferLayout {
            offset: offset as u64,
            bytes_per_row: Some(pitch as u32),
            rows_per_image: None,
        },
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
