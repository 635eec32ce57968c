//! Padding: amounts per side, modes, and the one map from an output coordinate to a source coordinate.
//!
//! `shaders/shared/padding.wgsl` mirrors [`PaddingMode::source_index`]; a test compares the two exhaustively.

use crate::error::{Result, ensure};
use crate::shape::{PerAxis, axis_name, by};

/// What stands outside the input. The names are those of `torch.nn.Conv2d`'s `padding_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zeros (a constant value in [`Pad`](crate::ops::Pad)). PyTorch `zeros` / `constant`, ONNX `constant`.
    #[default]
    Zeros,
    /// Mirrored without repeating the edge: `c b | a b c | b a`. Each side must be smaller than the extent.
    Reflect,
    /// The edge repeated: `a a | a b c | c c`. PyTorch `replicate`, ONNX `edge`.
    Replicate,
    /// Wrapped around: `b c | a b c | a b`. Each side must be at most the extent. PyTorch `circular`, ONNX `wrap`.
    Circular,
}

impl PaddingMode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::Zeros, Self::Reflect, Self::Replicate, Self::Circular];

    /// PyTorch's name of the mode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Reflect => "reflect",
            Self::Replicate => "replicate",
            Self::Circular => "circular",
        }
    }

    /// The number that stands for the mode in a shader's header.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Zeros => 0,
            Self::Reflect => 1,
            Self::Replicate => 2,
            Self::Circular => 3,
        }
    }

    /// The source coordinate that the output coordinate `index` reads, or `None` where nothing stands (zeros only).
    ///
    /// `index` counts from the first input element, so padding is negative or `>= extent`. Reflection and wrapping happen
    /// once, as the modes' limits ensure; what is further out gives an edge. An extent of 0 has no source.
    ///
    /// ```
    /// use convoke::PaddingMode;
    /// assert_eq!(PaddingMode::Reflect.source_index(-2, 5), Some(2));
    /// assert_eq!(PaddingMode::Circular.source_index(6, 5), Some(1));
    /// assert_eq!(PaddingMode::Zeros.source_index(-1, 5), None);
    /// ```
    pub fn source_index(self, index: isize, extent: usize) -> Option<usize> {
        let last = isize::try_from(extent).ok()?.checked_sub(1).filter(|&last| last >= 0)?;
        let source = match self {
            Self::Zeros => return (0..=last).contains(&index).then_some(index as usize),
            Self::Reflect if index < 0 => index.saturating_neg(),
            Self::Reflect if index > last => last.saturating_sub(index - last),
            Self::Circular if index < 0 => index + last + 1,
            Self::Circular if index > last => index - last - 1,
            Self::Reflect | Self::Replicate | Self::Circular => index,
        };
        Some(source.clamp(0, last) as usize)
    }
}

impl std::fmt::Display for PaddingMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for PaddingMode {
    type Err = crate::Error;

    /// Reads PyTorch's names, `constant` (the same as `zeros`) and ONNX's `edge` and `wrap`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "zeros" | "constant" => Ok(Self::Zeros),
            "reflect" => Ok(Self::Reflect),
            "replicate" | "edge" => Ok(Self::Replicate),
            "circular" | "wrap" => Ok(Self::Circular),
            other => Err(crate::Error::invalid(
                "pad",
                format!("unrecognised padding mode {other:?}: expected zeros, constant, reflect, replicate or circular"),
            )),
        }
    }
}

/// Elements added before the first and after the last along one axis; negative numbers crop (only
/// [`Pad`](crate::ops::Pad) allows them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sides {
    /// Before the first element.
    pub before: isize,
    /// After the last element.
    pub after: isize,
}

impl Sides {
    /// No padding.
    pub const NONE: Self = Self::new(0, 0);

    /// So many elements before and after.
    pub const fn new(before: isize, after: isize) -> Self {
        Self { before, after }
    }

    /// `same` padding: the output extent equals the input's at stride 1; an odd extra goes after.
    pub(crate) fn same(kernel: usize, dilation: usize) -> Self {
        let total = dilation.saturating_mul(kernel.saturating_sub(1)) as isize;
        Self::new(total / 2, total - total / 2)
    }

    /// An extent with these sides; none where cropping leaves nothing or the sum overflows.
    pub(crate) fn padded(self, extent: usize) -> Option<usize> {
        let padded = isize::try_from(extent)
            .ok()?
            .checked_add(self.before)?
            .checked_add(self.after)?;
        usize::try_from(padded).ok().filter(|&padded| padded > 0)
    }
}

impl std::fmt::Display for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, {})", self.before, self.after)
    }
}

/// Elements added on the sides of each spatial axis, the outermost axis first.
///
/// Made from one number for all sides, from a number for each axis as PyTorch's `padding=(v, h)`, from [`Sides`] for each
/// axis, or from a [`Padding2d`].
///
/// ```
/// use convoke::{Padding, Padding2d, Sides};
/// assert_eq!(Padding::from([1, 2]), Padding::from([Sides::new(1, 1), Sides::new(2, 2)]));
/// assert_eq!(Padding::from(Padding2d::new(1, 2, 3, 4)), Padding::from([Sides::new(3, 4), Sides::new(1, 2)]));
/// ```
pub type Padding = PerAxis<Sides>;

impl Padding {
    /// No padding.
    pub const NONE: Self = Self::All(Sides::NONE);
}

impl From<isize> for Padding {
    fn from(all: isize) -> Self {
        Self::All(Sides::new(all, all))
    }
}

impl<const AXES: usize> From<[isize; AXES]> for Padding
where
    Self: From<[Sides; AXES]>,
{
    fn from(each: [isize; AXES]) -> Self {
        each.map(|side| Sides::new(side, side)).into()
    }
}

/// The sides of an image by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Padding2d {
    /// Before the first column.
    pub left: isize,
    /// After the last column.
    pub right: isize,
    /// Before the first row.
    pub top: isize,
    /// After the last row.
    pub bottom: isize,
}

impl Padding2d {
    /// No padding.
    pub const NONE: Self = Self::new(0, 0, 0, 0);

    /// In the order of PyTorch's `F.pad`: left, right, top, bottom.
    pub const fn new(left: isize, right: isize, top: isize, bottom: isize) -> Self {
        Self {
            left,
            right,
            top,
            bottom,
        }
    }

    /// Reads PyTorch's `F.pad` list for the last one or two dimensions: `[left, right]` or `[left, right, top, bottom]`.
    pub fn from_slice(pad: &[isize]) -> Result<Self> {
        match *pad {
            [left, right] => Ok(Self::new(left, right, 0, 0)),
            [left, right, top, bottom] => Ok(Self::new(left, right, top, bottom)),
            _ => Err(crate::Error::invalid(
                "pad",
                format!(
                    "padding must be [left, right] or [left, right, top, bottom], but got {} numbers: {pad:?}",
                    pad.len()
                ),
            )),
        }
    }
}

impl Padding2d {
    const fn axes(self) -> [Sides; 2] {
        [Sides::new(self.top, self.bottom), Sides::new(self.left, self.right)]
    }
}

impl std::fmt::Display for Padding2d {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&sides(&self.axes()))
    }
}

impl From<Padding2d> for Padding {
    fn from(padding: Padding2d) -> Self {
        Self::Two(padding.axes())
    }
}

/// The sides of all axes as messages show them, the innermost axis first as in PyTorch: `(left 1, right 1, top 0, bottom 2)`.
pub(crate) fn sides(padding: &[Sides]) -> String {
    const NAMES: [[&str; 2]; 3] = [["left", "right"], ["top", "bottom"], ["front", "back"]];
    let named: Vec<String> = (padding.iter().rev().zip(NAMES))
        .map(|(sides, [before, after])| format!("{before} {}, {after} {}", sides.before, sides.after))
        .collect();
    format!("({})", named.join(", "))
}

/// The extents of an input with this padding; an error where cropping leaves nothing or a sum overflows.
pub(crate) fn padded(operator: &'static str, padding: &[Sides], input: &[usize]) -> Result<Vec<usize>> {
    let axes = padding.iter().zip(input).enumerate();
    axes.map(|(axis, (sides, &extent))| {
        sides.padded(extent).ok_or_else(|| {
            let name = axis_name(axis, input.len());
            crate::Error::invalid(
                operator,
                format!("padding {sides} leaves no valid {name} of an input {name} of {extent}"),
            )
        })
    })
    .collect()
}

/// Checks the mode's own limit on each side: reflect smaller than the extent, circular at most the extent.
pub(crate) fn check_mode(operator: &'static str, mode: PaddingMode, padding: &[Sides], input: &[usize]) -> Result<()> {
    for (axis, (sides, &extent)) in padding.iter().zip(input).enumerate() {
        let dimension = axis_name(axis, input.len());
        let largest = sides.before.max(sides.after);
        match mode {
            PaddingMode::Reflect => ensure!(
                largest < extent as isize,
                operator,
                "reflect padding must be smaller than the input {dimension}, but got padding {sides} for {extent} (input {})",
                by(input)
            ),
            PaddingMode::Circular => ensure!(
                largest <= extent as isize,
                operator,
                "circular padding must be at most the input {dimension} (it wraps around once), but got padding {sides} for {extent} (input {})",
                by(input)
            ),
            PaddingMode::Zeros | PaddingMode::Replicate => {}
        }
    }
    Ok(())
}

/// Refuses negative sides, for operators that do not crop.
pub(crate) fn check_not_negative(operator: &'static str, padding: &[Sides]) -> Result<()> {
    ensure!(
        padding.iter().all(|side| side.before.min(side.after) >= 0),
        operator,
        "padding must not be negative, but got {}",
        sides(padding)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_as_its_picture() {
        let row = |mode: PaddingMode| {
            (-2..5)
                .map(|i| mode.source_index(i, 3).map_or('.', |s| ['a', 'b', 'c'][s]))
                .collect::<String>()
        };
        assert_eq!(row(PaddingMode::Zeros), "..abc..");
        assert_eq!(row(PaddingMode::Reflect), "cbabcba");
        assert_eq!(row(PaddingMode::Replicate), "aaabccc");
        assert_eq!(row(PaddingMode::Circular), "bcabcab");
    }

    #[test]
    fn no_index_panics() {
        for mode in PaddingMode::ALL {
            assert_eq!(mode.source_index(0, 0), None);
            for index in [isize::MIN, isize::MAX] {
                assert!(mode.source_index(index, 3).is_none_or(|source| source < 3));
                assert!(mode.source_index(index, usize::MAX).is_none());
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for mode in PaddingMode::ALL {
            assert_eq!(mode.name().parse::<PaddingMode>().unwrap(), mode);
        }
        assert!(
            "nonsense"
                .parse::<PaddingMode>()
                .unwrap_err()
                .to_string()
                .contains("nonsense")
        );
    }

    #[test]
    fn same_puts_the_odd_extra_at_the_end() {
        assert_eq!(Sides::same(4, 1), Sides::new(1, 2));
        assert_eq!(Sides::same(3, 2), Sides::new(2, 2));
    }
}
