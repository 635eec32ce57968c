//! PNG files as LeNet-5's input.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use convoke::digits;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgba};
use ndarray::{Array2, Array4};

/// Longest side of a picture. A scan of one digit is far smaller, and a file of a few bytes can claim any size.
const LONGEST: u32 = 4096;

/// Reads one digit from a PNG file, `[1, 1, 28, 28]`; see [`digits::scan`].
///
/// Errors: a message for people that does not name the file.
pub(super) fn read(path: &Path) -> Result<Array4<f32>, String> {
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
    let picture = DynamicImage::from_decoder(decoder).map_err(not_png)?.into_rgba8();
    let size = (height as usize, width as usize);
    let grey = picture.pixels().copied().map(luma).collect();
    let grey = Array2::from_shape_vec(size, grey).map_err(|error| error.to_string())?;
    digits::scan(&grey).map_err(|error| error.to_string())
}

/// Grey on white paper, with Pillow's weights (ITU-R 601-2): `(19595 R + 38470 G + 7471 B) / 65536`.
fn luma(Rgba([red, green, blue, alpha]): Rgba<u8>) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    let (grey, alpha) = ((sum + 0x8000) >> 16, u32::from(alpha));
    ((grey * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
