//! Pictures as inputs: levels scaled, resized, cropped and normalised as torchvision's transforms do it.

use clap::{Args, ValueEnum};
use convoke::onnx::{Dim, TensorInfo};
use convoke_cli::digit;
use convoke_vision::{Colours, Filter, IMAGENET_MEAN, IMAGENET_STD, LETTERBOX_GREY, LONGEST, Layout, Picture, Placement, Scaling};
use ndarray::Array4;

/// Where `--help` lists the options.
const HEADING: &str = "Pictures";

/// How pictures become inputs: levels 0 to 255 are resized, cropped, scaled to --range, and normalised.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(super) struct PictureOptions {
    /// Make the shorter side so long: bilinear, antialiased, as Pillow and torchvision's Resize do it to the last bit.
    ///
    /// Without --resize and --crop a picture of another size than the input's is stretched to it, by the same filter.
    #[arg(long, help_heading = HEADING, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=LONGEST as i64))]
    resize: Option<u32>,
    /// Then keep the middle, N high and wide or H by W: torchvision's `CenterCrop`.
    #[arg(long, help_heading = HEADING, value_name = "N|HxW", value_parser = size)]
    crop: Option<(usize, usize)>,
    /// Instead make the whole picture as large as fits, in the middle of grey: ultralytics' `LetterBox`, for YOLO.
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["resize", "crop", "imagenet", "filter"])]
    letterbox: bool,
    /// How levels between pixels are made, as Pillow does it to the last bit; bilinear without it.
    #[arg(long, help_heading = HEADING, value_enum)]
    filter: Option<FilterName>,
    /// Blue first, as OpenCV has it; --mean and --std still say red first.
    #[arg(long, help_heading = HEADING)]
    bgr: bool,
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
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["resize", "crop", "range", "mean", "std", "imagenet", "letterbox", "filter", "bgr"])]
    digit: bool,
}

/// Names of filters.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FilterName {
    /// The mean of four, weighted; antialiased.
    Bilinear,
    /// Of sixteen; antialiased.
    Bicubic,
    /// The nearest pixel's.
    Nearest,
    /// The mean of what lies below.
    Box,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let side = |text: &str| {
        let side = text.parse().ok().filter(|side| (1..=LONGEST).contains(side));
        side.ok_or_else(|| format!("N or HxW, each 1 to {LONGEST}, is expected"))
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
    pub(super) fn any(&self) -> bool {
        let Self {
            resize,
            crop,
            range,
            mean,
            std,
            imagenet,
            digit,
            letterbox,
            filter,
            bgr,
        } = self;
        *imagenet
            || *digit
            || *letterbox
            || *bgr
            || filter.is_some()
            || resize.is_some()
            || crop.is_some()
            || range.is_some()
            || mean.is_some()
            || std.is_some()
    }

    /// Reads the content of a picture's file for an input of a model, as a batch of one; the channels stand where the input has
    /// them.
    ///
    /// Errors: a message for people that does not name the file.
    pub(super) fn read(&self, bytes: &[u8], info: &TensorInfo) -> Result<Array4<f32>, String> {
        let Form {
            channels,
            height,
            width,
            channels_last,
            ..
        } = Form::of(info)?;
        if self.digit {
            let fits = |side: Option<usize>| side.is_none_or(|side| side == 28);
            if channels != 1 || !fits(height) || !fits(width) {
                return Err(format!("--digit is for [N, 1, 28, 28], but the input is {info}"));
            }
            return digit(bytes);
        }
        let said = |error: convoke_vision::Error| error.to_string();
        let picture = Picture::read(bytes, Colours::of(channels).map_err(said)?).map_err(said)?;
        let (picture, _) = self.placed(&picture, height, width)?;
        let layout = if channels_last { Layout::Nhwc } else { Layout::Nchw };
        self.batch(&[picture], layout)
    }

    /// Resizes and crops to the size that an input takes, as far as that is known, and says how that leads back.
    pub(super) fn placed(
        &self,
        picture: &Picture,
        height: Option<usize>,
        width: Option<usize>,
    ) -> Result<(Picture, Placement), String> {
        let said = |error: convoke_vision::Error| error.to_string();
        let imagenet = |side: usize| self.imagenet.then_some(side);
        let resize = self.resize.map(|side| side as usize).or(imagenet(256));
        let crop = self.crop.or(imagenet(224).map(|side| (side, side)));
        let size = (picture.height(), picture.width());
        let target = (height.unwrap_or(size.0), width.unwrap_or(size.1));
        if self.letterbox {
            return picture
                .letterboxed(target.0, target.1, Filter::Linear, LETTERBOX_GREY)
                .map_err(said);
        }
        if resize.is_none() && crop.is_none() {
            if size.0 * target.1 != size.1 * target.0 {
                let ((height, width), (from_height, from_width)) = (target, size);
                log::warn!(
                    "{from_width}x{from_height} pixels stretched to {width}x{height}; --resize, --crop and --letterbox keep the \
                     proportions"
                );
            }
            let stretched = picture.resized(target.0, target.1, self.filter()).map_err(said)?;
            return Ok((stretched, Placement::stretched(size, target)));
        }
        let mut made = match resize {
            Some(side) => picture.resized_shorter(side, self.filter()).map_err(said)?,
            None => picture.clone(),
        };
        let mut placement = Placement::stretched(size, (made.height(), made.width()));
        if let Some((height, width)) = crop {
            let whole = (made.height(), made.width());
            made = made.cropped(height, width).map_err(said)?;
            let margin = |whole: usize, part: usize| (whole - part) as f32 / 2.0;
            placement = placement.moved(
                -margin(whole.0, height).round_ties_even(),
                -margin(whole.1, width).round_ties_even(),
            );
        }
        let wrong = |want: Option<usize>, got: usize| want.is_some_and(|want| want != got);
        if wrong(height, made.height()) || wrong(width, made.width()) {
            let side = |side: Option<usize>| side.map_or_else(|| "any".to_owned(), |side| side.to_string());
            return Err(format!(
                "{}x{} pixels after --resize and --crop, but the input takes {}x{}: --crop {}x{} would fit it",
                made.width(),
                made.height(),
                side(width),
                side(height),
                height.unwrap_or(made.height()),
                width.unwrap_or(made.width())
            ));
        }
        Ok((made, placement))
    }

    fn filter(&self) -> Filter {
        match self.filter {
            None | Some(FilterName::Bilinear) => Filter::Bilinear,
            Some(FilterName::Bicubic) => Filter::Bicubic,
            Some(FilterName::Nearest) => Filter::Nearest,
            Some(FilterName::Box) => Filter::Box,
        }
    }

    /// Levels to numbers.
    pub(super) fn batch(&self, pictures: &[Picture], layout: Layout) -> Result<Array4<f32>, String> {
        let channels = pictures.first().map_or(0, Picture::channels);
        if self.imagenet && channels != 3 && (self.mean.is_none() || self.std.is_none()) {
            return Err(format!("--imagenet is for 3 channels, but the input takes {channels}"));
        }
        let each = |name: &str, given: Option<&[f32]>, imagenet: [f32; 3], none: f32| match given {
            Some(values) if values.len() != 1 && values.len() != channels => Err(format!(
                "--{name} has {} numbers, but the input takes {channels} channels",
                values.len()
            )),
            Some(values) => Ok(values.to_vec()),
            None if self.imagenet => Ok(imagenet.to_vec()),
            None => Ok(vec![none]),
        };
        let (black, white) = self.range.unwrap_or((0.0, 1.0));
        let scaling = Scaling::default()
            .range(black, white)
            .mean(&each("mean", self.mean.as_deref(), IMAGENET_MEAN, 0.0)?)
            .std(&each("std", self.std.as_deref(), IMAGENET_STD, 1.0)?)
            .reversed(self.bgr);
        scaling.batch(pictures, layout).map_err(|error| error.to_string())
    }
}

/// How an input takes pictures; extents that are open are `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) batch: Option<usize>,
    pub(super) channels: usize,
    pub(super) height: Option<usize>,
    pub(super) width: Option<usize>,
    pub(super) channels_last: bool,
}

impl Form {
    /// Errors: an input that takes no pictures.
    pub(super) fn of(info: &TensorInfo) -> Result<Self, String> {
        let form = |batch, channels, height, width, channels_last| Self {
            batch: known(batch),
            channels,
            height: known(height),
            width: known(width),
            channels_last,
        };
        match info.dims.as_deref() {
            Some([batch, Dim::Known(channels @ (1 | 3)), height, width]) => Ok(form(batch, *channels, height, width, false)),
            Some([batch, height, width, Dim::Known(channels @ (1 | 3))]) => Ok(form(batch, *channels, height, width, true)),
            _ => Err(format!(
                "a picture cannot be read for input {info}: that takes [N, C, H, W] or [N, H, W, C], and C is 1 or 3"
            )),
        }
    }
}

fn known(dim: &Dim) -> Option<usize> {
    match dim {
        Dim::Known(extent) => Some(*extent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that is not symmetric.
    fn sample(height: usize, width: usize) -> Picture {
        let channel = |y: usize, x: usize| [37 * x + 11 * y, 7 * x * x + 5 * y, 90 + 23 * x + 256 * 31 - 31 * y];
        let levels = (0..height).flat_map(|y| (0..width).flat_map(move |x| channel(y, x).map(|level| (level % 256) as u8)));
        Picture::new(height, width, 3, levels.collect()).unwrap()
    }

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
        let (picture, placement) = options.placed(&sample(30, 41), Some(9), Some(10)).unwrap();
        assert_eq!(placement.offset, (-2.0, -3.0));
        let array = options.batch(&[picture], Layout::Nchw).unwrap();
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
                .batch(std::slice::from_ref(&picture), Layout::Nchw)
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
        let placed = |arguments: &str, height: usize, width: usize| {
            options(arguments)
                .placed(&sample(6, 9), Some(height), Some(width))
                .map(|placed| placed.0)
        };
        assert_eq!(placed("", 3, 4).map(|picture| picture.levels().len()), Ok(36));
        assert_eq!(placed("--crop 6x9", 6, 9), Ok(sample(6, 9)));
        let error = placed("--resize 4", 4, 4).unwrap_err();
        assert!(
            error.starts_with("6x4 pixels after --resize and --crop, but the input takes 4x4"),
            "{error}"
        );
        let error = placed("--resize 4 --crop 5", 5, 5).unwrap_err();
        assert_eq!(error, "5x5 cannot be cropped from 6x4");
        let error = placed("", 0, 4).unwrap_err();
        assert!(error.contains("cannot be 4x0"), "{error}");
        let narrow = options("--resize 8192").placed(&sample(1, 2), None, None).unwrap_err();
        assert!(narrow.contains("16384x8192"), "{narrow}");
    }
}
