//! Handwritten digits: LeNet-5, the test set that comes with it, scans as its input, and drawings for the terminal.
//!
//! `models/lenet5.safetensors` and `models/digits.safetensors` are made by `tools/train_lenet.py`.
//!
//! ```
//! use convoke::{Backend, Session, weights::Weights};
//! use convoke_digits::{MODEL, TEST_SET, TestSet, classes, draw, lenet5};
//!
//! let model = lenet5().graph(&Weights::from_safetensors(MODEL)?)?;
//! let test_set = TestSet::from_safetensors(TEST_SET)?;
//! let session = Session::new(model, &Backend::auto())?;
//! let some = test_set.images.select(ndarray::Axis(0), &[0, 7]);
//! let logits = session.run(&[some.view().into_dyn()])?;
//! let read = classes(&logits[0]);
//! assert_eq!(read, [0, 7].map(|index| usize::from(test_set.labels[index])));
//! print!("{}", draw(&some));
//! # Ok::<(), convoke::Error>(())
//! ```

use std::path::Path;

use ndarray::{Array2, Array4, ArrayD, ArrayView1, ArrayView3, ArrayView4, Axis};
use safetensors::{Dtype, SafeTensors};

use convoke::nn;
use convoke::{Error, Result};

/// The weights of [`lenet5`], as safetensors.
pub static MODEL: &[u8] = include_bytes!("../models/lenet5.safetensors");

/// The digits that it was not trained on, as safetensors: what [`TestSet::from_safetensors`] reads.
pub static TEST_SET: &[u8] = include_bytes!("../models/digits.safetensors");

/// Height and width of LeNet-5's input.
pub const SIZE: usize = 28;

/// LeNet-5 with `ReLU` and max pooling: `[N, 1, 28, 28]`, white ink on black in 0..1, to the logits `[N, 10]` of the digits.
pub fn lenet5() -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Conv2d::new(1, 6, 5).padding(2))
        .add(nn::RELU)
        .add(nn::MaxPool2d::new(2))
        .add(nn::Conv2d::new(6, 16, 5))
        .add(nn::RELU)
        .add(nn::MaxPool2d::new(2))
        .add(nn::Conv2d::new(16, 120, 5))
        .add(nn::RELU)
        .add(nn::Flatten::default())
        .add(nn::Linear::new(120, 84))
        .add(nn::RELU)
        .add(nn::Linear::new(84, 10))
}

/// The class of each row of scores: where its largest is, the first of equals.
pub fn classes(scores: &ArrayD<f32>) -> Vec<usize> {
    let largest = |row: ArrayView1<'_, f32>| {
        let better = |best: usize, candidate: usize| if row[candidate] > row[best] { candidate } else { best };
        (0..row.len()).reduce(better).unwrap_or_default()
    };
    scores.rows().into_iter().map(largest).collect()
}

/// Images with what they show.
#[derive(Clone, Debug)]
pub struct TestSet {
    /// `[N, 1, 28, 28]`, LeNet-5's input.
    pub images: Array4<f32>,
    /// The digit on each image.
    pub labels: Vec<u8>,
    /// PyTorch's logits for each image, `[N, 10]`, where the file has them.
    pub logits: Option<ArrayD<f32>>,
}

impl TestSet {
    /// Reads a safetensors file with `images` (U8, `[N, 28, 28]`), `labels` (U8, `[N]`) and perhaps `logits` (F32, `[N, 10]`).
    ///
    /// Errors: a file that cannot be read, is not safetensors, or holds other tensors.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.display().to_string(),
            source,
        })?;
        Self::from_safetensors(&bytes).map_err(|error| match error {
            Error::Weights(message) => Error::Weights(format!("{}: {message}", path.display())),
            other => other,
        })
    }

    /// Reads the content of such a file.
    ///
    /// Errors: as [`open`](Self::open).
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| Error::Weights(error.to_string()))?;
        let wrong = |name: &str, what: &dyn std::fmt::Display| Error::Weights(format!("tensor {name:?}: {what}"));
        let tensor = |name: &'static str, dtype: Dtype, shape: &[usize]| {
            let view = file.tensor(name).map_err(|error| wrong(name, &error))?;
            if view.dtype() == dtype && view.shape() == shape {
                return Ok(view.data());
            }
            let (got, size) = (view.dtype(), view.shape());
            Err(wrong(
                name,
                &format!("{dtype:?} {shape:?} is expected, but it is {got:?} {size:?}"),
            ))
        };
        let count = file.tensor("labels").map_or(0, |labels| labels.shape().iter().product());
        let labels = tensor("labels", Dtype::U8, &[count])?.to_vec();
        if let Some(label) = labels.iter().find(|&&label| label > 9) {
            return Err(wrong("labels", &format!("{label} is no digit")));
        }
        let images = tensor("images", Dtype::U8, &[count, SIZE, SIZE])?;
        let images = images.iter().map(|&value| f32::from(value) / 255.0).collect();
        let images = Array4::from_shape_vec([count, 1, SIZE, SIZE], images).map_err(|error| wrong("images", &error))?;
        let logits = if file.names().contains(&"logits") {
            let bytes = tensor("logits", Dtype::F32, &[count, 10])?;
            let values = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            Some(ArrayD::from_shape_vec(vec![count, 10], values).map_err(|error| wrong("logits", &error))?)
        } else {
            None
        };
        Ok(Self { images, labels, logits })
    }

    /// Keeps the first so many images.
    pub fn truncate(&mut self, count: usize) {
        let count = count.min(self.labels.len());
        self.labels.truncate(count);
        self.images.slice_axis_inplace(Axis(0), (..count).into());
        if let Some(logits) = &mut self.logits {
            logits.slice_axis_inplace(Axis(0), (..count).into());
        }
    }
}

/// A grey picture of one digit, of any size, as LeNet-5's input `[1, 1, 28, 28]`.
///
/// Dark ink on a light ground (a mean of the outermost ring above 127.5) is inverted; another size than 28x28 is resized
/// with a triangle filter, widened when shrinking and rounded to whole values after each direction, which is Pillow's
/// bilinear filter to within one grey level; the result is divided by 255. The digit should fill most of the picture: nothing is cropped or centred.
///
/// Errors: a picture without pixels.
pub fn scan(grey: &Array2<u8>) -> Result<Array4<f32>> {
    let (height, width) = grey.dim();
    if height == 0 || width == 0 {
        return Err(Error::invalid("scan", format!("the picture is {height}x{width}")));
    }
    let (bottom, right) = (height - 1, width - 1);
    let sides = (1..bottom.max(1)).into();
    let ring = [
        grey.row(0),
        grey.row(bottom),
        grey.column(0).slice_axis_move(Axis(0), sides),
        grey.column(right).slice_axis_move(Axis(0), sides),
    ];
    let pixels: usize = ring.iter().map(ArrayView1::len).sum();
    let sum: f64 = ring.iter().flatten().map(|&value| f64::from(value)).sum();
    let light = sum / pixels as f64 > 127.5;
    let ink = grey.mapv(|value| f64::from(if light { 255 - value } else { value }));
    let columns = resize(&ink, Axis(1));
    let pixels = resize(&columns, Axis(0));
    Ok(pixels
        .mapv(|value| value as f32 / 255.0)
        .insert_axis(Axis(0))
        .insert_axis(Axis(0)))
}

/// Resamples one axis to 28 whole values with the triangle filter.
fn resize(pixels: &Array2<f64>, axis: Axis) -> Array2<f64> {
    let length = pixels.len_of(axis);
    if length == SIZE {
        return pixels.clone();
    }
    let scale = length as f64 / SIZE as f64;
    let reach = scale.max(1.0);
    let mut result = Array2::zeros(if axis.index() == 0 {
        (SIZE, pixels.ncols())
    } else {
        (pixels.nrows(), SIZE)
    });
    for (target, mut line) in result.axis_iter_mut(axis).enumerate() {
        let centre = (target as f64 + 0.5) * scale;
        // Pillow's window: rounded ends, inside the picture.
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(length);
        let weight = |source: usize| (1.0 - ((source as f64 - centre + 0.5) / reach).abs()).max(0.0);
        let total: f64 = (first..end).map(weight).sum();
        for source in first..end {
            line.scaled_add(weight(source) / total, &pixels.index_axis(axis, source));
        }
        line.mapv_inplace(|value| (value + 0.5).floor());
    }
    result
}

/// Images `[N, 1, H, W]` in 0..1 side by side as text, each character a pixel wide and two high, with two blanks between.
pub fn draw(images: &Array4<f32>) -> String {
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let shade = |value: f32| SHADES[(value * SHADES.len() as f32).clamp(0.0, 4.0) as usize];
    let line = |rows: ArrayView4<'_, f32>| {
        let of_image = |image: ArrayView3<'_, f32>| {
            let columns = image.axis_iter(Axis(2));
            columns.map(|column| shade(column.mean().unwrap_or_default())).collect()
        };
        let parts: Vec<String> = rows.outer_iter().map(of_image).collect();
        format!("{}\n", parts.join("  ").trim_end())
    };
    images.axis_chunks_iter(Axis(2), 2).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize) -> Array2<u8> {
        Array2::from_shape_fn((height, width), |(y, x)| ((7 * y * y + 3 * x * y + 5 * x) % 251) as u8)
    }

    /// The values as Pillow's 0..255, and their sum.
    fn scanned(picture: &Array2<u8>) -> (Array2<u32>, u32) {
        let values = scan(picture).unwrap().mapv(|value| (value * 255.0).round() as u32);
        let values = values.into_shape_with_order((SIZE, SIZE)).unwrap();
        let sum = values.sum();
        (values, sum)
    }

    #[test]
    fn a_scan_is_what_pillow_makes_of_it() {
        // Height, width, the left half of row 11 and the lower half of column 27. Pillow chooses which direction it
        // resizes and rounds first, hence the one level.
        let cases: [(usize, usize, [u32; 14], [u32; 14]); 4] = [
            (
                100,
                61,
                [129, 129, 132, 135, 138, 125, 104, 90, 93, 96, 97, 100, 103, 96],
                [126, 121, 161, 127, 108, 120, 120, 193, 128, 119, 111, 120, 129, 117],
            ),
            (
                5,
                9,
                [19, 19, 21, 25, 28, 31, 34, 37, 41, 43, 47, 50, 53, 56],
                [121, 132, 142, 153, 163, 174, 187, 200, 213, 226, 239, 248, 248, 248],
            ),
            (
                28,
                40,
                [107, 156, 210, 140, 69, 123, 177, 153, 34, 88, 143, 198, 150, 55],
                [177, 81, 76, 172, 117, 155, 128, 193, 108, 124, 67, 188, 159, 144],
            ),
            (
                33,
                28,
                [155, 199, 52, 57, 102, 146, 190, 213, 67, 72, 116, 160, 204, 227],
                [104, 73, 159, 68, 111, 105, 122, 31, 170, 136, 101, 84, 84, 102],
            ),
        ];
        for (height, width, row, column) in cases {
            let (values, _) = scanned(&picture(height, width));
            let got = values
                .row(11)
                .into_iter()
                .take(14)
                .chain(values.column(27).into_iter().skip(14));
            for (&got, &want) in got.zip(row.iter().chain(&column)) {
                assert!(got.abs_diff(want) <= 1, "{height}x{width}: {got}, {want}: {values}");
            }
        }
    }

    #[test]
    fn dark_ink_on_light_ground_is_inverted() {
        let mut grey = Array2::from_elem((SIZE, SIZE), 255);
        grey[(14, 9)] = 0;
        let (values, sum) = scanned(&grey);
        assert_eq!((values[(14, 9)], sum), (255, 255));
    }

    #[test]
    fn the_smallest_pictures_are_legal_and_none_is_an_error() {
        assert_eq!(scanned(&Array2::from_elem((1, 1), 100)).1, 100 * 28 * 28);
        assert_eq!(scanned(&Array2::from_elem((1, 5), 200)).1, 55 * 28 * 28);
        assert!(scan(&Array2::zeros((0, 5))).is_err());
    }

    #[test]
    fn the_class_is_the_first_largest_score() {
        let scores = ndarray::array![[0.0, 3.0, 3.0], [f32::NEG_INFINITY, -2.0, -1.0]].into_dyn();
        assert_eq!(classes(&scores), [1, 2]);
    }

    #[test]
    fn a_drawing_has_a_character_for_two_pixels() {
        let images = ndarray::array![[[[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]]], [[[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]];
        assert_eq!(draw(&images), "█░  ▒\n █  █\n");
    }

    #[test]
    fn a_file_that_is_no_test_set_says_which_tensor_is_wrong() {
        assert!(TestSet::from_safetensors(b"no").is_err());
        let model = std::fs::read("models/lenet5.safetensors").unwrap();
        let message = TestSet::from_safetensors(&model).unwrap_err().to_string();
        assert!(message.contains("labels"), "{message}");
        let message = TestSet::open("models/none").unwrap_err().to_string();
        assert!(message.contains("models/none"), "{message}");
    }
}
