//! Shapes: the number of elements by checked arithmetic, ranks, axes, broadcasting.

use crate::error::{Error, Result, ensure};

/// Height and width, in this order; made from one number for both, `[height, width]` or `(height, width)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size2d {
    /// Vertical extent.
    pub height: usize,
    /// Horizontal extent.
    pub width: usize,
}

impl Size2d {
    /// The same number vertically and horizontally.
    pub const fn square(extent: usize) -> Self {
        Self {
            height: extent,
            width: extent,
        }
    }
}

impl From<usize> for Size2d {
    fn from(extent: usize) -> Self {
        Self::square(extent)
    }
}

impl From<[usize; 2]> for Size2d {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

impl From<(usize, usize)> for Size2d {
    fn from((height, width): (usize, usize)) -> Self {
        Self { height, width }
    }
}

impl std::fmt::Display for Size2d {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} x {})", self.height, self.width)
    }
}

/// Checks a quantity that counts steps or elements in each direction.
pub(crate) fn at_least_one(operator: &'static str, quantity: &str, size: Size2d) -> Result<()> {
    ensure!(
        size.height > 0 && size.width > 0,
        operator,
        "{quantity} must be at least 1, but got {size}"
    );
    Ok(())
}

/// The number of elements, or an error where it does not fit `usize`.
pub(crate) fn element_count(operator: &'static str, shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |product, &extent| product.checked_mul(extent))
        .ok_or_else(|| Error::invalid(operator, format!("shape {shape:?} has more elements than can be counted")))
}

/// The four extents of an `[N, C, H, W]` shape with non-zero channels, height and width. A batch of 0 is legal.
pub(crate) fn nchw(operator: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    let Ok([n, c, h, w]) = <[usize; 4]>::try_from(shape) else {
        return Err(Error::invalid(
            operator,
            format!("input must have 4 dimensions [N, C, H, W], but got shape {shape:?}"),
        ));
    };
    ensure!(
        c > 0 && h > 0 && w > 0,
        operator,
        "input must have non-zero channels, height and width, but got shape {shape:?}"
    );
    element_count(operator, shape)?;
    Ok([n, c, h, w])
}

/// The four extents of a convolution's weight, none of them zero. `layout` names them.
pub(crate) fn conv_weight(operator: &'static str, weight: &[usize], layout: &str) -> Result<[usize; 4]> {
    let Ok(extents) = <[usize; 4]>::try_from(weight) else {
        return Err(Error::invalid(
            operator,
            format!("weight must have 4 dimensions {layout}, but got shape {weight:?}"),
        ));
    };
    ensure!(
        extents.iter().all(|&extent| extent > 0),
        operator,
        "weight must have no zero extent, but got shape {weight:?}"
    );
    element_count(operator, weight)?;
    Ok(extents)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_count_refuses_overflow() {
        assert_eq!(element_count("t", &[2, 3, 5]).unwrap(), 30);
        assert_eq!(element_count("t", &[]).unwrap(), 1);
        assert!(element_count("t", &[usize::MAX, 2]).is_err());
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
}
