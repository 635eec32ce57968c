//! What is computed while the graph is built: shapes, and whatever else depends on constants alone.
//!
//! Each operator here takes known values and gives known values, whole numbers exactly. Every allocation is charged to the budget
//! first. What is refused here and can be a node of the graph becomes one, and is computed only where its elements are needed.

mod arithmetic;
mod arrange;
mod cast;
mod constant;
mod gather;
mod known;
mod logic;
mod places;
mod reduce;
mod scatter;
mod signal;
mod triangle;

pub(super) use cast::convert;
pub(super) use gather::named_parts;

use super::convert::Convert;

/// The operators that work on what is known.
pub(super) fn find(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Shape" => constant::shape,
        "Size" => constant::size,
        "Constant" => constant::constant,
        "ConstantOfShape" => constant::constant_of_shape,
        "Range" => constant::range,
        "EyeLike" => constant::eye_like,
        "Cast" => cast::cast,
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Max" | "Min" => arithmetic::many,
        "Pow" => arithmetic::power,
        "Floor" | "Ceil" | "Neg" | "Abs" | "Sign" | "Round" => arithmetic::unary,
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => logic::compare,
        "And" | "Or" | "Xor" => logic::combine,
        "Not" => logic::not,
        "Where" => logic::choose,
        "ReduceSum" | "ReduceProd" | "ReduceMin" | "ReduceMax" => reduce::reduce,
        "CumSum" => reduce::cumulative_sum,
        "Gather" => gather::gather,
        "GatherElements" => gather::gather_elements,
        "GatherND" => gather::gather_nd,
        "ScatterElements" | "Scatter" => scatter::scatter_elements,
        "ScatterND" => scatter::scatter_nd,
        "NonZero" => places::non_zero,
        "OneHot" => places::one_hot,
        "TopK" => places::top_k,
        "ArgMax" | "ArgMin" => places::extreme,
        "HannWindow" | "HammingWindow" | "BlackmanWindow" => signal::window,
        "MelWeightMatrix" => signal::mel_weight_matrix,
        "Trilu" => triangle::trilu,
        "Concat" => arrange::concat,
        "Slice" => arrange::slice,
        "Transpose" => arrange::transpose,
        "Expand" => arrange::expand,
        _ => return None,
    })
}
