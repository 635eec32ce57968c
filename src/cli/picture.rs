//! PNG files as inputs.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use convoke::digits;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgba, RgbaImage};
use ndarray::{Array2, Array4};

/// Longest side of a picture. A scan of one digit is far smaller, and a file of a few bytes can claim any size.
const LONGEST: u32 = 4096;

/// Reads one digit from a PNG file, `[1, 1, 28, 28]`; see [`digits::scan`].
///
/// Errors: a message for people that does not name the file.
pub(super) fn read(path: &Path) -> Result<Array4<f32>, String> {
    let picture = open(path)?;
    let size = (picture.height() as usize, picture.width() as usize);
    let grey = picture.pixels().copied().map(luma).collect();
    let grey = Array2::from_shape_vec(size, grey).map_err(|error| error.to_string())?;
    digits::scan(&grey).map_err(|error| error.to_string())
}

/// Reads a PNG file as `[1, 3, height, width]` in 0..1: on white paper, resized with a triangle filter, red first.
///
/// Errors: a message for people that does not name the file.
pub(super) fn colour(path: &Path, height: usize, width: usize) -> Result<Array4<f32>, String> {
    let extent = |extent: usize| u32::try_from(extent).ok().filter(|extent| (1..=LONGEST).contains(extent));
    let (Some(rows), Some(columns)) = (extent(height), extent(width)) else {
        return Err(format!("{height}x{width} is not 1 to {LONGEST} each way"));
    };
    let mut picture = open(path)?;
    for Rgba([red, green, blue, alpha]) in picture.pixels_mut() {
        for channel in [red, green, blue] {
            *channel = on_white(u32::from(*channel), u32::from(*alpha));
        }
        *alpha = 255;
    }
    let picture = image::imageops::resize(&picture, columns, rows, FilterType::Triangle);
    Ok(Array4::from_shape_fn((1, 3, height, width), |(_, channel, y, x)| {
        f32::from(picture.get_pixel(x as u32, y as u32).0[channel]) / 255.0
    }))
}

fn open(path: &Path) -> Result<RgbaImage, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let not_png = |error: image::ImageError| format!("not a readable PNG file: {error}");
    let reader = ImageReader::with_format(BufReader::new(file), ImageFormat::Png);
    let decoder = reader.into_decoder().map_err(not_png)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST {
        return Err(format!(
            "{width}x{height} pixels, but {LONGEST}x{LONGEST} is the most; scale it down"
        ));
    }
    Ok(DynamicImage::from_decoder(decoder).map_err(not_png)?.into_rgba8())
}

/// Grey on white paper, with Pillow's weights (ITU-R 601-2): `(19595 R + 38470 G + 7471 B) / 65536`.
fn luma(Rgba([red, green, blue, alpha]): Rgba<u8>) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    on_white((sum + 0x8000) >> 16, u32::from(alpha))
}

/// A level of 0 to 255 on white paper.
fn on_white(level: u32, alpha: u32) -> u8 {
    ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stand_on_white_paper_red_first() {
        let path = std::env::temp_dir().join(format!("convoke-colour-{}.png", std::process::id()));
        let pixels = vec![255, 0, 0, 255, 0, 255, 0, 0];
        RgbaImage::from_raw(2, 1, pixels).unwrap().save(&path).unwrap();
        let array = colour(&path, 1, 2).unwrap();
        // A red pixel, and one that is not there.
        assert_eq!(array.iter().copied().collect::<Vec<_>>(), [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(colour(&path, 3, 5).unwrap().dim(), (1, 3, 3, 5));
        assert!(colour(&path, 0, 2).is_err() && colour(&path, 1, 1 << 20).is_err());
        std::fs::remove_file(path).unwrap();
    }
}
