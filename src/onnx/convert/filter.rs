//! Resizing along one axis: where its places lie in the input, and what each is made of there.

use super::node::unsupported;
use crate::error::Result;
use crate::ops::{NearestRounding, TapTable};

/// Which place in the input an output's has: `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    CropAndResize,
}

impl Transform {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            "tf_crop_and_resize" => Self::CropAndResize,
            _ => return None,
        })
    }
}

/// What lies between elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Curve {
    Linear,
    /// By cubic convolution with this coefficient.
    Cubic(f64),
}

impl Curve {
    /// How far from its element a curve is 0.
    fn reach(self) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Cubic(_) => 2.0,
        }
    }

    /// The weight of an element this far away.
    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Self::Linear => (1.0 - x).max(0.0),
            Self::Cubic(a) if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Self::Cubic(a) if x < 2.0 => a * (((x - 5.0) * x + 8.0) * x - 4.0),
            Self::Cubic(_) => 0.0,
        }
    }
}

/// How weights follow from a curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    pub(super) curve: Curve,
    /// Whether the curve is stretched where the axis shrinks, so that every element has its part.
    pub(super) antialias: bool,
    /// Whether what lies outside has no part; else it is the element at the edge.
    pub(super) exclude_outside: bool,
}

/// One axis: its extent, the output's, and what places are computed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) scale: f64,
    /// The output's extent before it was made whole.
    pub(super) length: f64,
    /// Where the part that is resized starts and ends, 0 and 1 being the first and the last element.
    pub(super) region: [f64; 2],
}

impl Axis {
    pub(super) fn unchanged(extent: usize) -> Self {
        Self {
            input: extent,
            output: extent,
            scale: 1.0,
            length: extent as f64,
            region: [0.0, 1.0],
        }
    }

    pub(super) fn is_unchanged(&self) -> bool {
        self.input == self.output && self.scale == 1.0 && self.region == [0.0, 1.0]
    }

    /// Whether the output's extent is whole without being made so.
    pub(super) fn is_whole(&self) -> bool {
        self.length == self.output as f64
    }

    /// The place of an output element in the input, every operation rounded so.
    fn place(&self, transform: Transform, index: usize, round: fn(f64) -> f64) -> f64 {
        let (i, last) = (index as f64, self.input as f64 - 1.0);
        let halfway = || round(round(round(i + 0.5) / round(self.scale)) - 0.5);
        match transform {
            Transform::PytorchHalfPixel | Transform::AlignCorners if self.output == 1 => 0.0,
            Transform::HalfPixel | Transform::PytorchHalfPixel => halfway(),
            Transform::HalfPixelSymmetric => {
                let missing = round(1.0 - round(self.output as f64 / round(self.length)));
                round(round(self.input as f64 / 2.0 * missing) + halfway())
            }
            Transform::AlignCorners => round(round(i * last) / round(self.length - 1.0)),
            Transform::Asymmetric => round(i / round(self.scale)),
            Transform::CropAndResize => {
                let [start, end] = self.region;
                if self.output == 1 {
                    return round(0.5 * round(round(start + end) * last));
                }
                let step = round(round(round(end - start) * last) / (self.output as f64 - 1.0));
                round(round(start * last) + round(i * step))
            }
        }
    }

    fn is_outside(&self, transform: Transform, place: f64) -> bool {
        transform == Transform::CropAndResize && !(0.0..=self.input as f64 - 1.0).contains(&place)
    }

    /// The nearest element of each of the output, none where a part reaches beyond the input. Places are computed in `f32`, an
    /// operation at a time: that is what decides which element is the nearest.
    pub(super) fn nearest(&self, transform: Transform, rounding: NearestRounding) -> Vec<Option<usize>> {
        let nearest = |index| {
            let place = self.place(transform, index, |x| f64::from(x as f32));
            if self.is_outside(transform, place) {
                return None;
            }
            let below = place.floor();
            let above = f64::from(u8::from(match rounding {
                NearestRounding::Floor => false,
                NearestRounding::Ceil => place > below,
                NearestRounding::PreferFloor => place - below > 0.5,
                NearestRounding::PreferCeil => place - below >= 0.5,
            }));
            Some(((below + above).max(0.0) as usize).min(self.input - 1))
        };
        (0..self.output).map(nearest).collect()
    }

    /// How many taps [`table`](Self::table) has at most.
    pub(super) fn most_taps(&self, filter: Filter) -> usize {
        (self.output as f64 * (2.0 * self.reach(filter) + 1.0)) as usize
    }

    /// Half the width of a filter, in elements of the input.
    fn reach(&self, filter: Filter) -> f64 {
        filter.curve.reach() / self.stretch(filter)
    }

    fn stretch(&self, filter: Filter) -> f64 {
        if filter.antialias { self.scale.min(1.0) } else { 1.0 }
    }

    /// The elements that each of the output is made of.
    pub(super) fn table(&self, transform: Transform, filter: Filter) -> Result<TapTable> {
        // There the definition, ONNX's own implementation and PyTorch say three different things.
        let matters = filter.antialias || filter.curve != Curve::Linear;
        if transform == Transform::PytorchHalfPixel && self.output == 1 && self.input > 1 && matters {
            return Err(unsupported(
                "coordinate_transformation_mode \"pytorch_half_pixel\" to one element, but with mode \"linear\" without antialias",
            ));
        }
        let mut table = TapTable::new(self.input);
        for index in 0..self.output {
            let place = self.place(transform, index, |x| x);
            if self.is_outside(transform, place) {
                table.push([])?;
            } else {
                let weights = self.weights(place, filter);
                table.push(weights.into_iter().map(|(source, weight)| (source, weight as f32)))?;
            }
        }
        Ok(table)
    }

    /// The elements around a place that have a part in it.
    fn weights(&self, place: f64, filter: Filter) -> Vec<(usize, f64)> {
        let (reach, stretch) = (self.reach(filter), self.stretch(filter));
        let last = self.input as i64 - 1;
        let mut taps: Vec<(usize, f64)> = Vec::new();
        for source in (place - reach).ceil() as i64..=(place + reach).floor() as i64 {
            let weight = filter.curve.weight((source as f64 - place) * stretch);
            let inside = source.clamp(0, last);
            if weight == 0.0 || (filter.exclude_outside && inside != source) {
                continue;
            }
            match taps.last_mut() {
                Some((known, sum)) if *known == inside as usize => *sum += weight,
                _ => taps.push((inside as usize, weight)),
            }
        }
        let total: f64 = taps.iter().map(|(_, weight)| weight).sum();
        if (filter.antialias || filter.exclude_outside) && total != 0.0 {
            taps.iter_mut().for_each(|(_, weight)| *weight /= total);
        }
        taps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(input: usize, output: usize) -> Axis {
        Axis {
            input,
            output,
            scale: output as f64 / input as f64,
            length: output as f64,
            region: [0.0, 1.0],
        }
    }

    fn filter(curve: Curve) -> Filter {
        Filter {
            curve,
            antialias: false,
            exclude_outside: false,
        }
    }

    fn taps(axis: Axis, transform: Transform, filter: Filter) -> Vec<Vec<(usize, f32)>> {
        let table = axis.table(transform, filter).unwrap();
        (0..table.len()).map(|sum| table.taps(sum).collect()).collect()
    }

    #[test]
    fn weights_of_filters() {
        use Transform::HalfPixel;
        let linear = filter(Curve::Linear);
        let doubled = [
            vec![(0, 1.0)],
            vec![(0, 0.75), (1, 0.25)],
            vec![(0, 0.25), (1, 0.75)],
            vec![(1, 1.0)],
        ];
        assert_eq!(taps(axis(2, 4), HalfPixel, linear), doubled);
        // A quarter of the size: a triangle over eight elements, of which three lie outside.
        let antialias = Filter {
            antialias: true,
            ..linear
        };
        let of_four = |filter| taps(axis(4, 1), HalfPixel, filter).swap_remove(0);
        assert_eq!(of_four(antialias), [(0, 0.25), (1, 0.25), (2, 0.25), (3, 0.25)]);
        let excluding = Filter {
            exclude_outside: true,
            ..antialias
        };
        assert_eq!(
            of_four(excluding),
            [(0, 5.0 / 24.0), (1, 7.0 / 24.0), (2, 7.0 / 24.0), (3, 5.0 / 24.0)]
        );
        // Halfway between two elements, with two more on either side.
        let cubic = taps(axis(4, 3), Transform::AlignCorners, filter(Curve::Cubic(-0.5)));
        assert_eq!(cubic[1], [(0, -0.0625), (1, 0.5625), (2, 0.5625), (3, -0.0625)]);
        assert_eq!(cubic[2], [(3, 1.0)]);
    }

    #[test]
    fn what_a_part_has_beyond_the_input_has_no_taps() {
        let part = Axis {
            region: [-0.5, 1.0],
            ..axis(3, 4)
        };
        let expected = [vec![], vec![(0, 1.0)], vec![(1, 1.0)], vec![(2, 1.0)]];
        assert_eq!(taps(part, Transform::CropAndResize, filter(Curve::Linear)), expected);
        let nearest = part.nearest(Transform::CropAndResize, NearestRounding::Floor);
        assert_eq!(nearest, [None, Some(0), Some(1), Some(2)]);
    }
}
