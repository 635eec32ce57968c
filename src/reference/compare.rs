//! The comparator: what came against what should have come, element by element.

use std::fmt;

use ndarray::{ArrayRef, ArrayViewD, IxDyn};

use super::answer::Answer;
use crate::dtype::DType;
use crate::tensor::{self, TensorView, each};

/// Why a result is not the one wanted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The types of the elements differ; no element was compared.
    Type {
        /// The type that came.
        got: DType,
        /// The type wanted.
        want: DType,
    },
    /// The shapes differ; no element was compared.
    Shape {
        /// The shape that came.
        got: Vec<usize>,
        /// The shape wanted.
        want: Vec<usize>,
    },
    /// Some elements differ. The one described is the worst in units of its bound; the first of these.
    Values {
        /// Where the worst element stands.
        index: Vec<usize>,
        /// What came.
        got: f64,
        /// What was wanted.
        want: f64,
        /// How far they may be apart; 0 where the same bits are wanted.
        bound: f64,
        /// How many elements differ by more than their bounds.
        differing: usize,
        /// How many elements there are.
        total: usize,
    },
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { got, want } => write!(f, "got elements of type {got}, want {want}"),
            Self::Shape { got, want } => write!(f, "got shape {got:?}, want {want:?}"),
            Self::Values {
                index,
                got,
                want,
                bound,
                differing,
                total,
            } => {
                let difference = got - want;
                write!(
                    f,
                    "{differing} of {total} elements differ; the worst at {index:?}: got {got:?}, want {want:?} \
                     (difference {difference:e}, bound {bound:e})"
                )
            }
        }
    }
}

/// Whether every element is within its bound. NaN matches NaN alone, an infinity itself alone, and a value too large for
/// `f32` may come as infinity, as may one whose bound reaches that far. A bound that is not finite bounds nothing and is a mismatch. Of an empty array there is
/// only the shape to compare.
pub fn compare<'a>(got: impl Into<TensorView<'a>>, want: &Answer) -> Result<(), Mismatch> {
    let got = got.into();
    check_type(&got, want.dtype)?;
    check_shape(got.shape(), want.values.shape())?;
    check_shape(want.bound.shape(), want.values.shape())?;
    let shape = got.shape().to_vec();
    let wanted = want.values.iter().zip(&want.bound);
    match got {
        TensorView::F32(got) => {
            let elements = got.iter().zip(wanted);
            worst(
                &shape,
                elements.map(|(&got, (&want, &bound))| Element::float(got, want, bound)),
            )
        }
        got => {
            let got = Answer::exact(got).values;
            let elements = got.iter().zip(wanted);
            worst(
                &shape,
                elements.map(|(&got, (&want, &bound))| Element::other(got, want, bound)),
            )
        }
    }
}

/// Whether every element has the same bits, but for the sign of a zero and the payload of a NaN.
pub fn compare_exact<'a, 'b>(got: impl Into<TensorView<'a>>, want: impl Into<TensorView<'b>>) -> Result<(), Mismatch> {
    let (got, want) = (got.into(), want.into());
    check_type(&got, want.dtype())?;
    check_shape(got.shape(), want.shape())?;
    let same = each!(TensorView, &got, array => equal(array, &want));
    let shape = got.shape().to_vec();
    let (got, want) = (Answer::exact(got).values, Answer::exact(want).values);
    let elements = got.iter().zip(&want).zip(same).map(|((&got, &want), same)| {
        let same = same || (got.is_nan() && want.is_nan());
        let distance = (got - want).abs();
        let excess = match (same, distance.is_finite()) {
            (true, _) => None,
            (false, true) => Some(distance),
            (false, false) => Some(f64::INFINITY),
        };
        Element {
            got,
            want,
            bound: 0.0,
            excess,
        }
    });
    worst(&shape, elements)
}

/// Which elements are equal to those of a tensor of the same type and shape.
fn equal<T: tensor::Element>(got: &ArrayViewD<'_, T>, want: &TensorView<'_>) -> Vec<bool> {
    let want = want.array::<T>();
    let pairs = want.iter().flat_map(|want| got.iter().zip(want.iter()));
    pairs.map(|(got, want)| got == want).collect()
}

/// Whether every element is within `atol + rtol * |want|`, `numpy.allclose`'s criterion with `equal_nan`: an infinity matches
/// itself alone, NaN matches NaN.
///
/// ```
/// use convoke::testing::compare_close;
/// use ndarray::array;
/// let (got, want) = (array![1.0_f32, f32::NAN].into_dyn(), array![1.0005_f32, f32::NAN].into_dyn());
/// assert!(compare_close(&got, &want, 1e-3, 1e-5).is_ok());
/// assert!(compare_close(&got, &want, 1e-4, 1e-5).is_err());
/// ```
pub fn compare_close(got: &ArrayRef<f32, IxDyn>, want: &ArrayRef<f32, IxDyn>, rtol: f64, atol: f64) -> Result<(), Mismatch> {
    check_shape(got.shape(), want.shape())?;
    let elements = got.iter().zip(want).map(|(&got, &want)| {
        let bound = atol + rtol * f64::from(want).abs();
        let difference = (f64::from(got) - f64::from(want)).abs();
        // A bound of infinity comes of an infinity, which matches itself alone.
        let right = got == want || (got.is_nan() && want.is_nan()) || (bound.is_finite() && difference <= bound);
        let excess = difference / bound;
        let worst = if excess.is_finite() { excess } else { f64::INFINITY };
        Element {
            got: f64::from(got),
            want: f64::from(want),
            bound,
            excess: (!right).then_some(worst),
        }
    });
    worst(got.shape(), elements)
}

struct Element {
    got: f64,
    want: f64,
    bound: f64,
    /// How bad the element is, `None` where it is right.
    excess: Option<f64>,
}

impl Element {
    fn float(got: f32, want: f64, bound: f64) -> Self {
        Self {
            got: f64::from(got),
            want,
            bound,
            excess: excess(got, want, bound),
        }
    }

    /// Of a type whose numbers are all finite, or an `f16`.
    fn other(got: f64, want: f64, bound: f64) -> Self {
        let difference = (got - want).abs();
        let right = bound.is_finite() && (difference <= bound || (got.is_nan() && want.is_nan()) || got == want);
        let excess = difference / bound;
        Self {
            got,
            want,
            bound,
            excess: (!right).then_some(if excess.is_nan() { f64::INFINITY } else { excess }),
        }
    }
}

/// The difference in units of the bound, where it is more than 1.
fn excess(got: f32, want: f64, bound: f64) -> Option<f64> {
    let difference = (f64::from(got) - want).abs();
    let is_overflow = got.is_infinite() && (got == want as f32 || got == (want + bound.copysign(want)) as f32);
    let right = bound.is_finite() && (difference <= bound || (got.is_nan() && want.is_nan()) || is_overflow);
    if right {
        return None;
    }
    let excess = difference / bound;
    Some(if excess.is_nan() { f64::INFINITY } else { excess })
}

fn check_type(got: &TensorView<'_>, want: DType) -> Result<(), Mismatch> {
    let got = got.dtype();
    if got == want {
        Ok(())
    } else {
        Err(Mismatch::Type { got, want })
    }
}

fn check_shape(got: &[usize], want: &[usize]) -> Result<(), Mismatch> {
    if got == want {
        return Ok(());
    }
    Err(Mismatch::Shape {
        got: got.to_vec(),
        want: want.to_vec(),
    })
}

fn worst(shape: &[usize], elements: impl Iterator<Item = Element>) -> Result<(), Mismatch> {
    let (mut differing, mut total) = (0, 0);
    let mut worst: Option<(usize, f64, Element)> = None;
    for (place, element) in elements.enumerate() {
        total += 1;
        let Some(excess) = element.excess else { continue };
        differing += 1;
        if worst.as_ref().is_none_or(|&(_, largest, _)| excess > largest) {
            worst = Some((place, excess, element));
        }
    }
    match worst {
        None => Ok(()),
        Some((place, _, element)) => Err(Mismatch::Values {
            index: unravel(place, shape),
            got: element.got,
            want: element.want,
            bound: element.bound,
            differing,
            total,
        }),
    }
}

/// The N-d index of an element from its place in row-major order.
fn unravel(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let along = place % extent;
            place /= extent;
            along
        })
        .collect();
    index.reverse();
    index
}
