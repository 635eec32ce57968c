//! Shapes: the number of elements by checked arithmetic, ranks, axes, broadcasting.

use crate::error::{Error, Result, ensure};

/// A value for each spatial axis, the outermost first: the length of a signal, height and width of an image, or depth, height
/// and width of a volume.
///
/// One value stands for all axes, however many the input has; otherwise there are as many as it has.
///
/// ```
/// use convoke::PerAxis;
/// assert_eq!(PerAxis::from(2), PerAxis::All(2));
/// assert_eq!(PerAxis::from((2, 3)), PerAxis::Two([2, 3]));
/// assert_eq!(PerAxis::try_from(&[1, 2, 3][..])?, PerAxis::Three([1, 2, 3]));
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PerAxis<T = usize> {
    /// The same for each axis.
    All(T),
    /// Of a signal.
    One([T; 1]),
    /// Of an image.
    Two([T; 2]),
    /// Of a volume.
    Three([T; 3]),
}

impl<T: Copy> PerAxis<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::All(value) => std::slice::from_ref(value),
            Self::One(values) => values,
            Self::Two(values) => values,
            Self::Three(values) => values,
        }
    }

    /// The values that were given, one or one for each axis.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.as_slice().iter().copied()
    }

    /// Whether every axis has this value.
    pub fn is_all(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        self.iter().all(|own| own == value)
    }

    /// The value for each of an input's axes; an error where there are others than it has.
    pub(crate) fn of_axes(&self, operator: &'static str, quantity: &str, axes: usize) -> Result<Vec<T>> {
        if let Self::All(value) = self {
            return Ok(vec![*value; axes]);
        }
        let values = self.as_slice();
        ensure!(
            values.len() == axes,
            operator,
            "{quantity} must be given once or for each of the input's {axes} spatial axes, but got it for {}",
            values.len()
        );
        Ok(values.to_vec())
    }

    /// Axis by axis; none where one has other axes than the other, or where `combine` has none.
    pub(crate) fn zip(self, other: Self, combine: impl Fn(T, T) -> Option<T>) -> Option<Self> {
        let values: Option<Vec<T>> = match (self, other) {
            (Self::All(left), Self::All(right)) => return Some(Self::All(combine(left, right)?)),
            (Self::All(left), right) => right.as_slice().iter().map(|&right| combine(left, right)).collect(),
            (left, Self::All(right)) => left.as_slice().iter().map(|&left| combine(left, right)).collect(),
            (left, right) if left.as_slice().len() == right.as_slice().len() => {
                let pairs = left.as_slice().iter().zip(right.as_slice());
                pairs.map(|(&left, &right)| combine(left, right)).collect()
            }
            _ => None,
        };
        Self::try_from(values.as_deref().unwrap_or_default()).ok()
    }
}

impl<T: Copy> TryFrom<&[T]> for PerAxis<T> {
    type Error = Error;

    fn try_from(values: &[T]) -> Result<Self> {
        match *values {
            [length] => Ok(Self::One([length])),
            [height, width] => Ok(Self::Two([height, width])),
            [depth, height, width] => Ok(Self::Three([depth, height, width])),
            _ => Err(Error::invalid(
                "shape",
                format!("expected values for 1 to 3 spatial axes, but got {}", values.len()),
            )),
        }
    }
}

impl From<usize> for PerAxis {
    fn from(value: usize) -> Self {
        Self::All(value)
    }
}

impl<T> From<[T; 1]> for PerAxis<T> {
    fn from(values: [T; 1]) -> Self {
        Self::One(values)
    }
}

impl<T> From<[T; 2]> for PerAxis<T> {
    fn from(values: [T; 2]) -> Self {
        Self::Two(values)
    }
}

impl<T> From<[T; 3]> for PerAxis<T> {
    fn from(values: [T; 3]) -> Self {
        Self::Three(values)
    }
}

impl From<(usize, usize)> for PerAxis {
    fn from((height, width): (usize, usize)) -> Self {
        Self::Two([height, width])
    }
}

impl From<(usize, usize, usize)> for PerAxis {
    fn from((depth, height, width): (usize, usize, usize)) -> Self {
        Self::Three([depth, height, width])
    }
}

/// Height and width, as kernels of planes have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size2d {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Extents as messages show them: `(5 x 6)`.
pub(crate) fn by(extents: &[usize]) -> String {
    let extents: Vec<String> = extents.iter().map(usize::to_string).collect();
    format!("({})", extents.join(" x "))
}

/// What an axis is called, among as many spatial ones.
pub(crate) fn axis_name(axis: usize, axes: usize) -> &'static str {
    match (axes, axes - axis) {
        (1, _) => "length",
        (_, 1) => "width",
        (_, 2) => "height",
        _ => "depth",
    }
}

/// Checks a quantity that counts steps or elements along each axis.
pub(crate) fn at_least_one(operator: &'static str, quantity: &str, values: &[usize]) -> Result<()> {
    ensure!(
        values.iter().all(|&value| value > 0),
        operator,
        "{quantity} must be at least 1, but got {}",
        by(values)
    );
    Ok(())
}

/// Extents as those of a reshape, or axes as those of a transposition.
pub(crate) fn signed(numbers: &[usize]) -> Vec<isize> {
    numbers.iter().map(|&number| number as isize).collect()
}

/// The number of elements, or an error where it cannot be counted. An array without elements must be countable in its other axes too,
/// or `ndarray` could not make it.
pub(crate) fn element_count(operator: &'static str, shape: &[usize]) -> Result<usize> {
    let others = shape.iter().filter(|&&extent| extent > 0);
    let counted = others.copied().try_fold(1usize, usize::checked_mul);
    match counted.filter(|&count| isize::try_from(count).is_ok()) {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(count) => Ok(count),
        None => Err(Error::invalid(
            operator,
            format!("shape {shape:?} has more elements than can be counted"),
        )),
    }
}

/// Batch, channels and spatial extents of a signal, image or volume, none zero but the batch, which may be.
pub(crate) fn spatial<'a>(operator: &'static str, shape: &'a [usize]) -> Result<(usize, usize, &'a [usize])> {
    let (batch, channels, extents) = match shape {
        [batch, channels, extents @ ..] if (1..=3).contains(&extents.len()) => (*batch, *channels, extents),
        _ => {
            return Err(Error::invalid(
                operator,
                format!("input must have 3 to 5 dimensions, [N, C, L], [N, C, H, W] or [N, C, D, H, W], but got shape {shape:?}"),
            ));
        }
    };
    ensure!(
        channels > 0 && extents.iter().all(|&extent| extent > 0),
        operator,
        "input must have channels and spatial axes without a zero, but got shape {shape:?}"
    );
    element_count(operator, shape)?;
    Ok((batch, channels, extents))
}

/// The channels and the kernel of a convolution's weight, none of them zero. `channels` names the first two.
pub(crate) fn conv_weight<'a>(
    operator: &'static str,
    weight: &'a [usize],
    channels: &str,
    axes: usize,
) -> Result<(usize, usize, &'a [usize])> {
    let (first, second, kernel) = match weight {
        [first, second, kernel @ ..] if kernel.len() == axes => (*first, *second, kernel),
        _ => {
            let layout = ["KD", "KH", "KW"][3 - axes..].join(", ");
            return Err(Error::invalid(
                operator,
                format!(
                    "weight must have {} dimensions [{channels}, {layout}], but got shape {weight:?}",
                    2 + axes
                ),
            ));
        }
    };
    ensure!(
        weight.iter().all(|&extent| extent > 0),
        operator,
        "weight must have no zero extent, but got shape {weight:?}"
    );
    element_count(operator, weight)?;
    Ok((first, second, kernel))
}

/// Resolves an axis that may count from the end (`-1` is the last).
pub(crate) fn axis(operator: &'static str, axis: isize, rank: usize) -> Result<usize> {
    let resolved = if axis < 0 { axis + rank as isize } else { axis };
    ensure!(
        resolved >= 0 && resolved < rank as isize,
        operator,
        "axis {axis} is out of range for {rank} dimensions: expected -{rank} to {}",
        rank as isize - 1
    );
    Ok(resolved as usize)
}

/// A shape as rows along an axis: the extents before it, its own, and those after it.
pub(crate) fn around(operator: &'static str, axis: isize, shape: &[usize]) -> Result<[usize; 3]> {
    let axis = self::axis(operator, axis, shape.len())?;
    Ok([
        shape[..axis].iter().product(),
        shape[axis],
        shape[axis + 1..].iter().product(),
    ])
}

/// The shape that two shapes broadcast to: aligned at the last dimension, extents equal or 1.
pub(crate) fn broadcast(operator: &'static str, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
    let rank = left.len().max(right.len());
    let extent = |shape: &[usize], i: usize| {
        if i + shape.len() >= rank {
            shape[i + shape.len() - rank]
        } else {
            1
        }
    };
    (0..rank)
        .map(|i| match (extent(left, i), extent(right, i)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            (a, b) => Err(Error::invalid(
                operator,
                format!("shapes {left:?} and {right:?} cannot be broadcast: {a} against {b} at dimension {i}"),
            )),
        })
        .collect()
}

/// Which of an input's elements each place of the output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The one at the same place.
    Same,
    /// The only one.
    One,
    /// The one of its coordinate along an axis of this extent, with so many places for each.
    Axis { extent: usize, inner: usize },
}

impl Reach {
    /// None where an input of this shape broadcasts in another way.
    pub(crate) fn of(own: &[usize], output: &[usize]) -> Option<Self> {
        if own == output {
            return Some(Self::Same);
        }
        let mut extents = own.iter().enumerate().filter(|&(_, &extent)| extent != 1);
        let Some((axis, &extent)) = extents.next() else {
            return Some(Self::One);
        };
        let axis = (axis + output.len()).checked_sub(own.len())?;
        let inner = output[axis + 1..].iter().product();
        (extents.next().is_none() && output[axis] == extent).then_some(Self::Axis { extent, inner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_count_refuses_overflow() {
        assert_eq!(element_count("t", &[2, 3, 5]).unwrap(), 30);
        assert_eq!(element_count("t", &[]).unwrap(), 1);
        assert_eq!(element_count("t", &[3, 0, 5]).unwrap(), 0);
        for shape in [vec![usize::MAX, 2], vec![usize::MAX], vec![usize::MAX / 2, 0, 4]] {
            assert!(element_count("t", &shape).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn broadcast_aligns_at_the_last_dimension() {
        assert_eq!(broadcast("add", &[2, 1, 4], &[3, 1]).unwrap(), [2, 3, 4]);
        assert_eq!(broadcast("add", &[], &[3]).unwrap(), [3]);
        assert_eq!(broadcast("add", &[0, 3], &[1]).unwrap(), [0, 3]);
        let message = broadcast("add", &[2, 3], &[4]).unwrap_err().to_string();
        assert!(message.contains("3 against 4 at dimension 1"), "{message}");
    }

    #[test]
    fn axes_count_from_the_end() {
        assert_eq!(axis("softmax", -1, 3).unwrap(), 2);
        assert_eq!(axis("softmax", 0, 3).unwrap(), 0);
        assert!(axis("softmax", 3, 3).is_err());
        assert!(axis("softmax", -4, 3).is_err());
    }

    #[test]
    fn inputs_reach_over_an_output_in_three_ways() {
        let output = [2, 3, 5, 7];
        let of = |own: &[usize]| Reach::of(own, &output);
        assert_eq!(of(&output), Some(Reach::Same));
        assert_eq!([of(&[]), of(&[1, 1])], [Some(Reach::One); 2]);
        assert_eq!(of(&[3, 1, 1]), Some(Reach::Axis { extent: 3, inner: 35 }));
        assert_eq!(of(&[7]), Some(Reach::Axis { extent: 7, inner: 1 }));
        // Rows of several axes, and what broadcasts to more than the output.
        assert_eq!([of(&[5, 7]), of(&[2]), of(&[2, 1, 1, 1, 1])], [None; 3]);
    }
}
