//! Picture files as levels on white paper, and handwritten digits of them.

use std::io::{BufRead, Cursor, Seek};

use image::{DynamicImage, ImageDecoder, ImageReader, Rgba, RgbaImage};
use ndarray::{Array2, Array4};

use super::resample::Picture;

/// Longest side of a picture: a file of a few bytes can claim any size.
pub(crate) const LONGEST: u32 = 8192;

/// How files of pictures end. What one is, is seen by its content.
pub const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// Reads one handwritten digit, `[1, 1, 28, 28]`; see [`digits::scan`].
///
/// Errors: a message for people that does not name the file.
pub fn digit(bytes: &[u8]) -> Result<Array4<f32>, String> {
    let picture = levels(bytes, 1)?;
    let grey = Array2::from_shape_vec((picture.height, picture.width), picture.levels).map_err(|error| error.to_string())?;
    convoke_digits::scan(&grey).map_err(|error| error.to_string())
}

/// The levels of a file's content on white paper: grey, or red first. Of an animation the first frame.
///
/// Errors: a message for people that does not name the file.
pub fn levels(bytes: &[u8], channels: usize) -> Result<Picture, String> {
    let picture = decode(Cursor::new(bytes))?;
    let levels = if channels == 1 {
        picture.pixels().copied().map(luma).collect()
    } else {
        let colours = |Rgba([red, green, blue, alpha])| [red, green, blue].map(|level: u8| on_white(level.into(), alpha));
        picture.pixels().copied().flat_map(colours).collect()
    };
    Ok(Picture {
        height: picture.height() as usize,
        width: picture.width() as usize,
        channels,
        levels,
    })
}

/// By the content, whatever the file is called.
fn decode(reader: impl BufRead + Seek) -> Result<RgbaImage, String> {
    let not_readable = |why: &str| format!("not a readable PNG, JPEG, WebP, GIF or BMP picture: {why}");
    let unreadable = |error: image::ImageError| not_readable(error.to_string().trim());
    let reader = ImageReader::new(reader)
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST {
        return Err(format!(
            "{width}x{height} pixels, but {LONGEST}x{LONGEST} is the most; scale it down"
        ));
    }
    if width.min(height) == 0 {
        return Err(not_readable(&format!("{width}x{height} pixels")));
    }
    Ok(DynamicImage::from_decoder(decoder).map_err(unreadable)?.into_rgba8())
}

/// Grey on white paper, with Pillow's weights (ITU-R 601-2): `(19595 R + 38470 G + 7471 B) / 65536`.
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
        assert_eq!(levels(bytes.get_ref(), 3).unwrap().levels, [255, 0, 0, 255, 255, 255]);
        // Pillow's convert("L") of red is 76.
        assert_eq!(levels(bytes.get_ref(), 1).unwrap().levels, [76, 255]);
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
            let read = levels(bytes.get_ref(), 3).unwrap();
            assert_eq!((read.height, read.width), (3, 5), "{format:?}");
            assert_eq!(read.levels, *picture.as_raw(), "{format:?}");
        }
    }

    #[test]
    fn of_an_animation_the_first_frame_is_read() {
        let frame = |level| image::Frame::new(RgbaImage::from_pixel(2, 2, Rgba([level, level, level, 255])));
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        encoder.encode_frames([frame(10), frame(200)]).unwrap();
        drop(encoder);
        assert_eq!(levels(&bytes, 1).unwrap().levels, [10; 4]);
    }
}
