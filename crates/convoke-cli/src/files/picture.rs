//! Pictures as inputs: levels scaled, resized, cropped and normalised as torchvision's transforms do it.

use clap::Args;
use convoke::onnx::{Dim, TensorInfo};
use ndarray::Array4;

use super::decode::{LONGEST, digit, levels};
use super::resample::Picture;

/// Where `--help` lists the options.
const HEADING: &str = "Pictures";

/// How pictures become inputs: levels 0 to 255 are resized, cropped, scaled to --range, and normalised.
#[derive(Args, Clone, Debug, Default)]
pub struct PictureOptions {
    /// Make the shorter side so long: bilinear, antialiased, as Pillow and torchvision's Resize do it to the last bit.
    ///
    /// Without --resize and --crop a picture of another size than the input's is stretched to it, by the same filter.
    #[arg(long, help_heading = HEADING, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST)))]
    resize: Option<u32>,
    /// Then keep the middle, N high and wide or H by W: torchvision's `CenterCrop`.
    #[arg(long, help_heading = HEADING, value_name = "N|HxW", value_parser = size)]
    crop: Option<(usize, usize)>,
    /// What black and white become, before --mean and --std; 0..1 without it.
    #[arg(long, help_heading = HEADING, value_name = "BLACK..WHITE", value_parser = range, allow_hyphen_values = true)]
    range: Option<(f32, f32)>,
    /// Then subtract these, one for each channel (red first) or one for all: torchvision's Normalize.
    #[arg(long, help_heading = HEADING, value_name = "R,G,B", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Option<Vec<f32>>,
    /// And divide by these.
    #[arg(long, help_heading = HEADING, value_name = "R,G,B", value_delimiter = ',', value_parser = divisor)]
    std: Option<Vec<f32>>,
    /// As --resize 256 --crop 224 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225; each of them can be given besides.
    #[arg(long, help_heading = HEADING)]
    imagenet: bool,
    /// Read the scan of one handwritten digit, for [N, 1, 28, 28]: dark ink on a light ground is inverted, and all of it
    /// made 28 high and wide. The digit should fill most of it.
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["resize", "crop", "range", "mean", "std", "imagenet"])]
    digit: bool,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let side = |text: &str| {
        let side = text.parse().ok().filter(|side| (1..=LONGEST).contains(side));
        side.map(|side| side as usize)
            .ok_or_else(|| format!("N or HxW, each 1 to {LONGEST}, is expected"))
    };
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    Ok((side(height)?, side(width)?))
}

fn range(text: &str) -> Result<(f32, f32), String> {
    let parse = |text: &str| text.parse().ok().filter(|value: &f32| value.is_finite());
    text.split_once("..")
        .and_then(|(black, white)| Some((parse(black)?, parse(white)?)))
        .ok_or_else(|| "BLACK..WHITE is expected, two numbers as in 0..255".to_owned())
}

fn divisor(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value: &f32| value.is_finite() && *value != 0.0);
    value.ok_or_else(|| "numbers other than 0 are expected".to_owned())
}

impl PictureOptions {
    /// Whether anything was asked for.
    pub fn any(&self) -> bool {
        let Self {
            resize,
            crop,
            range,
            mean,
            std,
            imagenet,
            digit,
        } = self;
        *imagenet || *digit || resize.is_some() || crop.is_some() || range.is_some() || mean.is_some() || std.is_some()
    }

    /// Reads the content of a picture's file for an input of a model, as a batch of one; the channels stand where the input has
    /// them.
    ///
    /// Errors: a message for people that does not name the file.
    pub fn read(&self, bytes: &[u8], info: &TensorInfo) -> Result<Array4<f32>, String> {
        let (channels, height, width, channels_last) = match info.dims.as_deref() {
            Some([_, Dim::Known(channels @ (1 | 3)), height, width]) => (*channels, known(height), known(width), false),
            Some([_, height, width, Dim::Known(channels @ (1 | 3))]) => (*channels, known(height), known(width), true),
            _ => {
                return Err(format!(
                    "a picture cannot be read for input {info}: that takes [N, C, H, W] or [N, H, W, C], and C is 1 or 3"
                ));
            }
        };
        let array = if self.digit {
            let fits = |side: Option<usize>| side.is_none_or(|side| side == 28);
            if channels != 1 || !fits(height) || !fits(width) {
                return Err(format!("--digit is for [N, 1, 28, 28], but the input is {info}"));
            }
            digit(bytes)?
        } else {
            let picture = self.placed(levels(bytes, channels)?, height, width)?;
            self.scaled(&picture)?
        };
        if channels_last {
            return Ok(array.permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned());
        }
        Ok(array)
    }

    /// Resizes and crops to the size that an input takes, as far as that is known.
    fn placed(&self, mut picture: Picture, height: Option<usize>, width: Option<usize>) -> Result<Picture, String> {
        let imagenet = |side: usize| self.imagenet.then_some(side);
        let resize = self.resize.map(|side| side as usize).or(imagenet(256));
        let crop = self.crop.or(imagenet(224).map(|side| (side, side)));
        let target = (height.unwrap_or(picture.height), width.unwrap_or(picture.width));
        let size = (picture.height, picture.width);
        if resize.is_none() && crop.is_none() && size != target {
            fits(target.0, target.1)?;
            let ((height, width), (from_height, from_width)) = (target, size);
            if from_height * width != from_width * height {
                log::warn!(
                    "{from_width}x{from_height} pixels stretched to {width}x{height}; --resize and --crop keep the proportions"
                );
            }
            return Ok(picture.resized(height, width));
        }
        if let Some(side) = resize {
            // The longer side is rounded down, as in torchvision.
            let (height, width) = if picture.height <= picture.width {
                (side, side * picture.width / picture.height)
            } else {
                (side * picture.height / picture.width, side)
            };
            fits(height, width)?;
            picture = picture.resized(height, width);
        }
        if let Some((height, width)) = crop {
            picture = picture.cropped(height, width)?;
        }
        let wrong = |want: Option<usize>, got: usize| want.is_some_and(|want| want != got);
        if wrong(height, picture.height) || wrong(width, picture.width) {
            let side = |side: Option<usize>| side.map_or_else(|| "any".to_owned(), |side| side.to_string());
            return Err(format!(
                "{}x{} pixels after --resize and --crop, but the input takes {}x{}: --crop {}x{} would fit it",
                picture.width,
                picture.height,
                side(width),
                side(height),
                height.unwrap_or(picture.height),
                width.unwrap_or(picture.width)
            ));
        }
        Ok(picture)
    }

    /// Levels to numbers, `[1, C, H, W]`.
    fn scaled(&self, picture: &Picture) -> Result<Array4<f32>, String> {
        let channels = picture.channels;
        let each = |name: &str, given: Option<&[f32]>, imagenet: [f32; 3], none: f32| match given {
            Some([one]) => Ok(vec![*one; channels]),
            Some(values) if values.len() == channels => Ok(values.to_vec()),
            Some(values) => Err(format!(
                "--{name} has {} numbers, but the input takes {channels} channels",
                values.len()
            )),
            None if self.imagenet && channels == 3 => Ok(imagenet.to_vec()),
            None if self.imagenet => Err(format!("--imagenet is for 3 channels, but the input takes {channels}")),
            None => Ok(vec![none; channels]),
        };
        let mean = each("mean", self.mean.as_deref(), [0.485, 0.456, 0.406], 0.0)?;
        let std = each("std", self.std.as_deref(), [0.229, 0.224, 0.225], 1.0)?;
        let (black, white) = self.range.unwrap_or((0.0, 1.0));
        let shape = (1, channels, picture.height, picture.width);
        Ok(Array4::from_shape_fn(shape, |(_, channel, y, x)| {
            let level = f32::from(picture.level(y, x, channel));
            // Exact for 0..1 and for 0..255.
            let value = if (black, white) == (0.0, 255.0) {
                level
            } else {
                level / 255.0 * (white - black) + black
            };
            (value - mean[channel]) / std[channel]
        }))
    }
}

fn known(dim: &Dim) -> Option<usize> {
    match dim {
        Dim::Known(extent) => Some(*extent),
        _ => None,
    }
}

/// Refuses sizes that no picture should be resized to.
fn fits(height: usize, width: usize) -> Result<(), String> {
    let sides = 1..=LONGEST as usize;
    if sides.contains(&height) && sides.contains(&width) {
        return Ok(());
    }
    Err(format!("cannot be resized to {width}x{height}: 1 to {LONGEST} each way"))
}

#[cfg(test)]
mod tests {
    use super::super::resample::tests::sample;
    use super::*;

    fn options(arguments: &str) -> PictureOptions {
        use clap::Parser;

        #[derive(clap::Parser)]
        struct Wrapper {
            #[command(flatten)]
            picture: PictureOptions,
        }
        let arguments = std::iter::once("test").chain(arguments.split_whitespace());
        Wrapper::try_parse_from(arguments).unwrap().picture
    }

    fn close(got: f32, want: f64) -> bool {
        (f64::from(got) - want).abs() < 1e-6 * (1.0 + want.abs())
    }

    /// torchvision 0.29: `Resize(12)`, `CenterCrop((9, 10))`, `ToTensor`, `Normalize`, on Pillow 13.0.
    #[test]
    fn a_picture_becomes_what_torchvision_makes_of_it() {
        let options = options("--imagenet --resize 12 --crop 9x10");
        let picture = options.placed(sample(30, 41), Some(9), Some(10)).unwrap();
        let array = options.scaled(&picture).unwrap();
        assert_eq!(array.dim(), (1, 3, 9, 10));
        for (index, want) in [
            ((0, 0, 0, 0), -0.062_933_526_933_193_2),
            ((0, 1, 4, 7), 0.327_731_192_111_969),
            ((0, 2, 8, 9), 0.182_483_732_700_347_9),
            ((0, 0, 8, 0), -0.628_050_386_905_670_6),
        ] {
            let (_, channel, y, x) = index;
            assert!(close(array[index], want), "{channel} {y} {x}: {}", array[index]);
        }
        let sum: f64 = array.iter().copied().map(f64::from).sum();
        assert!((sum - 43.148_780_151_735_99).abs() < 1e-4, "{sum}");
    }

    #[test]
    fn levels_are_scaled_and_normalised_channel_by_channel() {
        let picture = sample(1, 1); // Levels 0, 0 and 90.
        let scaled = |arguments: &str| {
            options(arguments)
                .scaled(&picture)
                .map(|array| array.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(scaled("").unwrap(), [0.0, 0.0, 90.0 / 255.0]);
        assert_eq!(scaled("--range 0..255").unwrap(), [0.0, 0.0, 90.0]);
        assert_eq!(scaled("--range 0..255 --mean 10 --std 2").unwrap(), [-5.0, -5.0, 40.0]);
        assert_eq!(scaled("--range -1..1 --mean 0,1,-1").unwrap()[..2], [-1.0, -2.0]);
        assert_eq!(scaled("--imagenet --mean 0 --std 1").unwrap(), [0.0, 0.0, 90.0 / 255.0]);
        let error = scaled("--mean 1,2").unwrap_err();
        assert_eq!(error, "--mean has 2 numbers, but the input takes 3 channels");
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused_with_numbers() {
        let placed =
            |arguments: &str, height: usize, width: usize| options(arguments).placed(sample(6, 9), Some(height), Some(width));
        assert_eq!(placed("", 3, 4).map(|picture| picture.levels.len()), Ok(36));
        assert_eq!(placed("--crop 6x9", 6, 9), Ok(sample(6, 9)));
        let error = placed("--resize 4", 4, 4).unwrap_err();
        assert!(
            error.starts_with("6x4 pixels after --resize and --crop, but the input takes 4x4"),
            "{error}"
        );
        let error = placed("--resize 4 --crop 5", 5, 5).unwrap_err();
        assert_eq!(error, "5x5 cannot be cropped from 6x4");
        let error = placed("", 0, 4).unwrap_err();
        assert!(error.contains("cannot be resized to 4x0"), "{error}");
        let narrow = options("--resize 8192").placed(sample(1, 2), None, None).unwrap_err();
        assert!(narrow.contains("16384x8192"), "{narrow}");
    }
}
