//! Files of pictures, as people expect them: upright, on paper where they are transparent, of an animation the first frame.

use std::io::{BufRead, Cursor, Seek};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Rgba, RgbaImage};

use crate::error::{Error, Result};
use crate::picture::{LONGEST, Picture};

/// How files of pictures end. What one is, is seen by its content.
pub const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// What is made of a file's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// One channel, with Pillow's weights (ITU-R 601-2): `(19595 R + 38470 G + 7471 B) / 65536`.
    Grey,
    /// Three channels, red first.
    #[default]
    Rgb,
}

impl Colours {
    /// For so many channels.
    ///
    /// Errors: other than 1 or 3.
    pub fn of(channels: usize) -> Result<Self> {
        match channels {
            1 => Ok(Self::Grey),
            3 => Ok(Self::Rgb),
            _ => crate::error::invalid(format!("pictures are read as 1 or 3 channels, not {channels}")),
        }
    }
}

impl Picture {
    /// The content of a PNG, JPEG, WebP, GIF or BMP file: turned as its orientation tag says, on white paper where it is
    /// transparent, 16 bits a channel rounded to 8, of an animation the first frame.
    ///
    /// Errors: what is none of these, or more than [`LONGEST`] on a side.
    pub fn read(bytes: &[u8], colours: Colours) -> Result<Self> {
        let picture = decode(Cursor::new(bytes))?;
        let (height, width) = (picture.height() as usize, picture.width() as usize);
        let pixels = picture.pixels().copied();
        Ok(match colours {
            Colours::Grey => Self::of(height, width, 1, pixels.map(luma).collect()),
            Colours::Rgb => {
                let on_paper = |Rgba([red, green, blue, alpha])| [red, green, blue].map(|level: u8| on_white(level.into(), alpha));
                Self::of(height, width, 3, pixels.flat_map(on_paper).collect())
            }
        })
    }

    /// [`Picture::read`] of a file; messages begin with its name.
    ///
    /// Errors: what cannot be opened or is no picture.
    pub fn open(path: impl AsRef<Path>, colours: Colours) -> Result<Self> {
        let path = path.as_ref();
        let named = |error: &dyn std::fmt::Display| Error::Unreadable(format!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| named(&error))?;
        Self::read(&bytes, colours).map_err(|error| named(&error))
    }

    /// Writes the picture, in the format that the file's name ends with.
    ///
    /// Errors: two channels, an ending that is not known, or what the file system says.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let named = |error: &dyn std::fmt::Display| Error::Unreadable(format!("{}: {error}", path.display()));
        let colour = match self.channels() {
            1 => image::ExtendedColorType::L8,
            2 => image::ExtendedColorType::La8,
            3 => image::ExtendedColorType::Rgb8,
            _ => image::ExtendedColorType::Rgba8,
        };
        let (height, width) = (self.height() as u32, self.width() as u32);
        image::save_buffer(path, self.levels(), width, height, colour).map_err(|error| named(&error))
    }
}

/// By the content, whatever the file is called.
fn decode(reader: impl BufRead + Seek) -> Result<RgbaImage> {
    let not_readable = |why: &str| Error::Unreadable(format!("not a readable PNG, JPEG, WebP, GIF or BMP picture: {why}"));
    let unreadable = |error: image::ImageError| not_readable(error.to_string().trim());
    let reader = ImageReader::new(reader).with_guessed_format();
    let reader = reader.map_err(|error| Error::Unreadable(error.to_string()))?;
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) as usize > LONGEST {
        let message = format!("{width}x{height} pixels, but {LONGEST}x{LONGEST} is the most; scale it down");
        return Err(Error::Unreadable(message));
    }
    if width.min(height) == 0 {
        return Err(not_readable(&format!("{width}x{height} pixels")));
    }
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

/// Grey on white paper.
fn luma(Rgba([red, green, blue, alpha]): Rgba<u8>) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    on_white((sum + 0x8000) >> 16, alpha)
}

/// A level of 0 to 255 on white paper.
fn on_white(level: u32, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    #[test]
    fn colours_stand_on_white_paper_red_first() {
        // A red pixel, and one that is not there.
        let mut bytes = Cursor::new(Vec::new());
        let picture = RgbaImage::from_raw(2, 1, vec![255, 0, 0, 255, 0, 255, 0, 0]).unwrap();
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let levels = |colours| Picture::read(bytes.get_ref(), colours).unwrap().into_levels();
        assert_eq!(levels(Colours::Rgb), [255, 0, 0, 255, 255, 255]);
        // Pillow's convert("L") of red is 76.
        assert_eq!(levels(Colours::Grey), [76, 255]);
    }

    /// A JPEG file holds blocks of eight; decoders may differ by a few levels, coders of the same quality too.
    #[test]
    fn jpeg_files_are_read_by_their_content() {
        let ramp = image::RgbImage::from_fn(24, 16, |x, y| image::Rgb([(8 * x) as u8, (12 * y) as u8, 200]));
        let mut bytes = Cursor::new(Vec::new());
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 100);
        ramp.write_with_encoder(encoder).unwrap();
        bytes.set_position(0);
        let read = decode(bytes).unwrap();
        assert_eq!(read.dimensions(), (24, 16));
        for (x, y, Rgba([red, green, blue, alpha])) in read.enumerate_pixels() {
            let want = ramp.get_pixel(x, y).0;
            for (got, want) in [*red, *green, *blue].into_iter().zip(want) {
                assert!(got.abs_diff(want) <= 6, "({x}, {y}): {got} for {want}");
            }
            assert_eq!(*alpha, 255);
        }
    }

    #[test]
    fn formats_without_loss_have_the_same_levels() {
        let picture = RgbaImage::from_fn(5, 3, |x, y| Rgba([(50 * x) as u8, (100 * y) as u8, 7, 255]));
        let picture = DynamicImage::from(picture).into_rgb8();
        for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp] {
            let mut bytes = Cursor::new(Vec::new());
            // A GIF's palette has room for fifteen colours.
            let written = DynamicImage::from(picture.clone());
            let written = if format == ImageFormat::Gif {
                written.into_rgba8().into()
            } else {
                written
            };
            written.write_to(&mut bytes, format).unwrap();
            let read = Picture::read(bytes.get_ref(), Colours::Rgb).unwrap();
            assert_eq!((read.height(), read.width()), (3, 5), "{format:?}");
            assert_eq!(read.levels(), picture.as_raw(), "{format:?}");
        }
    }

    #[test]
    fn of_an_animation_the_first_frame_is_read() {
        let frame = |level| image::Frame::new(RgbaImage::from_pixel(2, 2, Rgba([level, level, level, 255])));
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        encoder.encode_frames([frame(10), frame(200)]).unwrap();
        drop(encoder);
        assert_eq!(Picture::read(&bytes, Colours::Grey).unwrap().levels(), [10; 4]);
    }

    #[test]
    fn sixteen_bits_are_rounded_to_eight() {
        let mut bytes = Cursor::new(Vec::new());
        let grey = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(3, 1, vec![0, 32_896, 65_535]).unwrap();
        grey.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let read = |colours| Picture::read(bytes.get_ref(), colours).unwrap().into_levels();
        assert_eq!(read(Colours::Grey), [0, 128, 255]);
        assert_eq!(read(Colours::Rgb), [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    }
}
