//! Padding: amounts per side, modes, and the one map from an output coordinate to a source coordinate.
//!
//! `shaders/shared/padding.wgsl` mirrors [`PaddingMode::source_index`]; a test compares the two exhaustively.

use crate::error::{Result, ensure};
use crate::shape::Size2d;

/// What stands outside the input. The names are those of `torch.nn.Conv2d`'s `padding_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zeros (a constant value in [`Pad2d`](crate::ops::Pad2d)). PyTorch `zeros` / `constant`, ONNX `constant`.
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

/// Elements added on each of the four sides; negative numbers crop (only [`Pad2d`](crate::ops::Pad2d) allows them).
///
/// Made from one number for all sides, from `[vertical, horizontal]` as PyTorch's `padding=(v, h)`, or side by side.
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

    /// Whether every side is 0.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// `same` padding: the output extent equals the input's at stride 1; an odd extra goes right and bottom.
    pub(crate) fn same(kernel: Size2d, dilation: Size2d) -> Self {
        let total = |kernel: usize, dilation: usize| dilation.saturating_mul(kernel.saturating_sub(1)) as isize;
        let (vertical, horizontal) = (total(kernel.height, dilation.height), total(kernel.width, dilation.width));
        Self::new(
            horizontal / 2,
            horizontal - horizontal / 2,
            vertical / 2,
            vertical - vertical / 2,
        )
    }

    /// The size of an input with this padding; an error where cropping leaves nothing or the sum overflows.
    pub(crate) fn padded(self, operator: &'static str, input: Size2d) -> Result<Size2d> {
        let extent = |name: &str, extent: usize, before: isize, after: isize| {
            isize::try_from(extent)
                .ok()
                .and_then(|extent| extent.checked_add(before)?.checked_add(after))
                .filter(|&padded| padded > 0)
                .map(|padded| padded as usize)
                .ok_or_else(|| {
                    crate::Error::invalid(
                        operator,
                        format!("padding ({before}, {after}) leaves no valid {name} of an input {name} of {extent}"),
                    )
                })
        };
        Ok(Size2d {
            height: extent("height", input.height, self.top, self.bottom)?,
            width: extent("width", input.width, self.left, self.right)?,
        })
    }

    /// Checks the mode's own limit on each side: reflect smaller than the extent, circular at most the extent.
    pub(crate) fn check(self, operator: &'static str, mode: PaddingMode, input: Size2d) -> Result<()> {
        for (dimension, extent, before, after) in [
            ("height", input.height, self.top, self.bottom),
            ("width", input.width, self.left, self.right),
        ] {
            let extent_signed = extent as isize;
            let largest = before.max(after);
            match mode {
                PaddingMode::Reflect => ensure!(
                    largest < extent_signed,
                    operator,
                    "reflect padding must be smaller than the input {dimension}, but got padding ({before}, {after}) for {extent} (input {input})"
                ),
                PaddingMode::Circular => ensure!(
                    largest <= extent_signed,
                    operator,
                    "circular padding must be at most the input {dimension} (it wraps around once), but got padding ({before}, {after}) for {extent} (input {input})"
                ),
                PaddingMode::Zeros | PaddingMode::Replicate => {}
            }
        }
        Ok(())
    }

    /// Refuses negative sides, for operators that do not crop.
    pub(crate) fn check_not_negative(self, operator: &'static str) -> Result<()> {
        ensure!(
            [self.left, self.right, self.top, self.bottom].iter().all(|&side| side >= 0),
            operator,
            "padding must not be negative, but got {self}"
        );
        Ok(())
    }
}

impl std::fmt::Display for Padding2d {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "(left {}, right {}, top {}, bottom {})",
            self.left, self.right, self.top, self.bottom
        )
    }
}

impl From<isize> for Padding2d {
    fn from(all: isize) -> Self {
        Self::new(all, all, all, all)
    }
}

impl From<[isize; 2]> for Padding2d {
    fn from([vertical, horizontal]: [isize; 2]) -> Self {
        Self::new(horizontal, horizontal, vertical, vertical)
    }
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
        assert_eq!(Padding2d::same([4, 3].into(), [1, 2].into()), Padding2d::new(2, 2, 1, 2));
    }
}
