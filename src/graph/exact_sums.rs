//! Which sums of products of whole numbers `f32` adds up exactly: those of which no part exceeds 2^24, in whatever order they are added.
//!
//! How large they become follows from what the values of a graph can hold, and from the weights where these are constant.

use std::collections::HashMap;
use std::ops::Range;

use super::{Graph, Node, ValueId};
use crate::dtype::DType;
use crate::ops::{Binary, Op, Unary};
use crate::tensor::Tensor;

/// The largest whole number up to which `f32` has every one.
const LARGEST_EXACT: i64 = 1 << 24;

/// Input channels, or terms of a matrix product, of which a part has a multiple: kernels take so many at a time at most.
const BLOCK: usize = 8;

/// The least and the largest number that a value can hold; 0 may be added to both.
type Bounds = (i64, i64);

/// The input channels, or terms of a matrix product, in parts of which each is added up exactly.
pub(crate) type Parts = Vec<Range<usize>>;

/// Sums of products that `f32` adds up exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExactSums {
    pub(crate) parts: Parts,
    /// What the operand on the left can hold.
    input: Bounds,
}

impl ExactSums {
    /// Those of numbers of these types, so many products of a channel being in a sum. None where the types, or the products of a few
    /// channels, are too large.
    pub(crate) fn of_types(left: DType, right: DType, channels: usize, products: usize) -> Option<Self> {
        let bounds = |dtype: DType| match dtype {
            DType::U8 | DType::I8 => dtype.range(),
            _ => None,
        };
        let (input, weight) = (bounds(left)?, bounds(right)?);
        let parts = even((largest(input), largest(weight)), channels, products)?;
        Some(Self { parts, input })
    }

    /// The type of bytes that holds whatever the operand on the left can, where there is one.
    pub(crate) fn bytes(&self) -> Option<DType> {
        let (least, most) = self.input;
        let holds = |dtype: &DType| dtype.range().is_some_and(|(low, high)| low <= least && most <= high);
        [DType::U8, DType::I8].into_iter().find(holds)
    }
}

fn largest((least, most): Bounds) -> i64 {
    most.max(-least)
}

/// The parts where no factor is larger than these.
fn even(largest: (i64, i64), channels: usize, products: usize) -> Option<Parts> {
    let of_channel = largest.0.checked_mul(largest.1)?.checked_mul(i64::try_from(products).ok()?)?;
    let most = usize::try_from(LARGEST_EXACT / of_channel.max(1)).ok()? / BLOCK * BLOCK;
    if channels > 0 && most == 0 && of_channel.checked_mul(channels as i64)? > LARGEST_EXACT {
        return None;
    }
    let most = most.max(BLOCK);
    Some(
        (0..channels)
            .step_by(most)
            .map(|first| first..channels.min(first + most))
            .collect(),
    )
}

/// The exact sums of products of a graph, by the value that they make, as far as the graph tells.
pub(crate) fn of_graph(graph: &Graph) -> HashMap<ValueId, ExactSums> {
    let bounds = bounds(graph);
    let of_node = |node: &Node| {
        let &[left, right] = node.inputs.as_slice() else { return None };
        let input = bounds[left.0]?;
        let weight = graph.values[right.0].constant.as_deref()?;
        let shape = weight.shape();
        let (channels, products) = match node.op {
            Op::ConvInteger(_) => (shape[1], shape[2..].iter().product()),
            Op::MatMulInteger(_) => (shape[shape.len().saturating_sub(2)], 1),
            _ => return None,
        };
        let by_weight = match (&node.op, shape) {
            (Op::MatMulInteger(_), &[terms, columns]) => WeightLayout {
                rows: columns,
                row_stride: 1,
                channels: terms,
                channel_stride: columns,
                products: 1,
            }
            .parts(input, weight),
            (Op::ConvInteger(_), &[rows, ..]) => WeightLayout {
                rows,
                row_stride: channels * products,
                channels,
                channel_stride: products,
                products,
            }
            .parts(input, weight),
            _ => None,
        };
        let parts = by_weight.or_else(|| even((largest(input), largest(bounds[right.0]?)), channels, products))?;
        Some((*node.outputs.first()?, ExactSums { parts, input }))
    };
    graph.nodes.iter().filter_map(of_node).collect()
}

/// What the values of a graph can hold, where they are known to hold whole numbers of at most 32 bits.
fn bounds(graph: &Graph) -> Vec<Option<Bounds>> {
    let of_type = |dtype: DType| dtype.range().filter(|_| matches!(dtype, DType::U8 | DType::I8 | DType::Bool));
    let of_value = |value: &super::ValueData| match value.constant.as_deref() {
        Some(constant) => of_constant(constant),
        None => None,
    };
    let mut bounds: Vec<Option<Bounds>> = graph.values.iter().map(of_value).collect();
    for input in &graph.inputs {
        bounds[input.0] = of_type(graph.input_type(*input));
    }
    let types = known_types(graph);
    for node in &graph.nodes {
        let operands: Vec<Option<Bounds>> = node.inputs.iter().map(|value| bounds[value.0]).collect();
        let known = |index: usize| operands.get(index).copied().flatten();
        let dtype = node.outputs.first().and_then(|value| types[value.0]);
        let range = dtype.and_then(DType::range);
        let fits = |&(least, most): &Bounds| range.is_some_and(|(low, high)| low <= least && most <= high);
        let result = match &node.op {
            Op::Cast(_) => known(0).filter(fits).or_else(|| of_type(dtype?)),
            Op::Binary(function) => {
                let of_both = |(left, right)| combined(*function, left, right);
                known(0).zip(known(1)).and_then(of_both).filter(fits)
            }
            Op::Reshape(_) | Op::Flatten(_) | Op::Transpose(_) | Op::Slice(_) | Op::Expand(_) => known(0),
            Op::Concat(_) => operands
                .iter()
                .copied()
                .reduce(|all, own| all.zip(own).map(|(all, own)| (all.0.min(own.0), all.1.max(own.1))))
                .flatten(),
            _ => None,
        };
        for value in &node.outputs {
            bounds[value.0] = result;
        }
    }
    bounds
}

/// The types of a graph's values, as far as they are those of operands or told by the operator alone.
pub(super) fn known_types(graph: &Graph) -> Vec<Option<DType>> {
    let mut types = vec![None; graph.values.len()];
    for (known, value) in types.iter_mut().zip(&graph.values) {
        *known = value
            .constant
            .as_ref()
            .map(|constant| constant.dtype())
            .or(value.shape.as_ref().map(|_| value.dtype));
    }
    for input in &graph.inputs {
        types[input.0] = Some(graph.input_type(*input));
    }
    for node in &graph.nodes {
        let dtype = match &node.op {
            Op::Cast(cast) => Some(cast.to),
            Op::ConvInteger(_) | Op::MatMulInteger(_) => Some(DType::I32),
            Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div)
            | Op::Reshape(_)
            | Op::Flatten(_)
            | Op::Transpose(_)
            | Op::Slice(_)
            | Op::Expand(_)
            | Op::Concat(_)
            | Op::Unary(Unary::Round | Unary::Relu | Unary::Neg | Unary::Abs | Unary::Clamp { .. }) => {
                node.inputs.first().and_then(|value| types[value.0])
            }
            _ => None,
        };
        for value in &node.outputs {
            types[value.0] = dtype;
        }
    }
    types
}

fn of_constant(constant: &Tensor) -> Option<Bounds> {
    let over = |bounds: Option<Bounds>, x: i64| Some(bounds.map_or((x, x), |(least, most)| (least.min(x), most.max(x))));
    match constant {
        Tensor::I32(array) => array.iter().fold(None, |bounds, &x| over(bounds, x.into())),
        Tensor::U8(array) => array.iter().fold(None, |bounds, &x| over(bounds, x.into())),
        Tensor::I8(array) => array.iter().fold(None, |bounds, &x| over(bounds, x.into())),
        _ => None,
    }
}

/// None where a result may wrap around.
fn combined(function: Binary, left: Bounds, right: Bounds) -> Option<Bounds> {
    let ends = |of: fn(i64, i64) -> Option<i64>| {
        let ends = [(left.0, right.0), (left.0, right.1), (left.1, right.0), (left.1, right.1)];
        let ends: Option<Vec<i64>> = ends.iter().map(|&(a, b)| of(a, b)).collect();
        let ends = ends?;
        Some((*ends.iter().min()?, *ends.iter().max()?))
    };
    let result = match function {
        Binary::Add => ends(i64::checked_add),
        Binary::Sub => ends(i64::checked_sub),
        Binary::Mul => ends(i64::checked_mul),
        _ => None,
    };
    // Those of 64 bits are computed in 32.
    result.filter(|&(least, most)| i64::from(i32::MIN) <= least && most <= i64::from(i32::MAX))
}

/// Where the weights of sums lie: a sum has a row of them.
struct WeightLayout {
    rows: usize,
    row_stride: usize,
    channels: usize,
    channel_stride: usize,
    /// Weights of a channel, which lie together.
    products: usize,
}

impl WeightLayout {
    /// The fewest parts for an input within bounds and these weights. None where a few channels are too many.
    fn parts(&self, input: Bounds, weight: &Tensor) -> Option<Parts> {
        match weight {
            Tensor::I32(array) => self.parts_of(input, array.as_slice()?),
            Tensor::U8(array) => self.parts_of(input, array.as_slice()?),
            Tensor::I8(array) => self.parts_of(input, array.as_slice()?),
            _ => None,
        }
    }

    fn parts_of<T: Copy + Into<i64>>(&self, (least, most): Bounds, weights: &[T]) -> Option<Parts> {
        // What is padded is 0.
        let (least, most) = (least.min(0), most.max(0));
        let block_of = |row: usize, channels: Range<usize>| {
            let mut sums = (0, 0);
            for channel in channels {
                let first = row * self.row_stride + channel * self.channel_stride;
                for &weight in &weights[first..first + self.products] {
                    let ends = [least, most].map(|end| end.saturating_mul(weight.into()));
                    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
                    sums = (i64::saturating_add(sums.0, low), i64::saturating_add(sums.1, high));
                }
            }
            sums
        };
        let mut parts: Parts = Vec::new();
        // What the part that is under way can come to in each row.
        let mut totals = vec![(0_i64, 0_i64); self.rows];
        let mut first = 0;
        for start in (0..self.channels).step_by(BLOCK) {
            let channels = start..self.channels.min(start + BLOCK);
            let fits = |(low, high): (i64, i64)| -LARGEST_EXACT <= low && high <= LARGEST_EXACT;
            let (mut all_fit, mut alone_fit) = (true, true);
            for (row, total) in totals.iter_mut().enumerate() {
                let own = block_of(row, channels.clone());
                *total = (total.0.saturating_add(own.0), total.1.saturating_add(own.1));
                all_fit &= fits(*total);
                alone_fit &= fits(own);
            }
            if !alone_fit {
                return None;
            }
            if !all_fit {
                parts.push(first..start);
                first = start;
                for (row, total) in totals.iter_mut().enumerate() {
                    *total = block_of(row, channels.clone());
                }
            }
        }
        parts.push(first..self.channels);
        Some(parts)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, ArrayD, array};

    use super::*;
    use crate::ops::{Cast, Conv, ConvInteger, MatMulInteger};
    use crate::testing::Random;

    fn only(graph: &Graph) -> ExactSums {
        let sums = of_graph(graph);
        assert_eq!(sums.len(), 1);
        sums.into_values().next().unwrap()
    }

    #[test]
    fn bytes_are_added_up_by_their_types() {
        let parts = |left, right, channels, products| ExactSums::of_types(left, right, channels, products).map(|sums| sums.parts);
        assert_eq!(parts(DType::U8, DType::I8, 1000, 1).unwrap(), [0..512, 512..1000]);
        assert_eq!(parts(DType::U8, DType::I8, 600, 1).unwrap(), [0..512, 512..600]);
        assert!(parts(DType::I8, DType::I8, 0, 9).unwrap().is_empty());
        // 16 channels of 49 products, or none of 500.
        assert_eq!(parts(DType::U8, DType::U8, 8, 500), None);
        assert_eq!(parts(DType::I8, DType::I32, 8, 1), None);
    }

    /// A part ends where the largest possible sum of a row does: that of the bytes with the weights that are not negative.
    #[test]
    fn weights_say_how_long_sums_may_be() {
        let mut graph = Graph::new();
        let image = graph.input_of_type("image", DType::U8);
        let weight = Array::from_shape_fn((2, 4096), |(row, k)| if row == 1 && k % 2 == 0 { 64_i8 } else { -1 });
        let weight = graph.constant(
            "weight",
            weight.into_dyn().into_shape_with_order(vec![2, 4096, 1, 1]).unwrap(),
        );
        let sums = graph.node("sums", ConvInteger::new(Conv::new()), &[image, weight]).unwrap();
        graph.output(sums).unwrap();
        // 64 * 255 for every second channel: 1028 of these are exact, in blocks of 4.
        let sums = only(&graph);
        assert_eq!((sums.bytes(), sums.parts), (Some(DType::U8), vec![0..2056, 2056..4096]));
    }

    #[test]
    fn zero_points_move_what_bytes_can_hold() {
        let mut graph = Graph::new();
        let bytes = graph.input_of_type("bytes", DType::U8);
        let whole = graph.node("whole", Cast::new(DType::I32), &[bytes]).unwrap();
        let zero = graph.constant("zero", array![128_i32]);
        let centred = graph.node("centred", Binary::Sub, &[whole, zero]).unwrap();
        let weight = graph.constant("weight", ArrayD::from_elem(vec![3000, 1], 100_i32));
        let sums = graph.node("sums", MatMulInteger, &[centred, weight]).unwrap();
        graph.output(sums).unwrap();
        assert_eq!(bounds(&graph)[centred.0], Some((-128, 127)));
        // 1310 products of -128 and 100.
        let sums = only(&graph);
        assert_eq!(
            (sums.bytes(), sums.parts),
            (Some(DType::I8), vec![0..1304, 1304..2608, 2608..3000])
        );
    }

    #[test]
    fn no_part_exceeds_what_floats_have() {
        let mut random = Random::new(3);
        let weights: Vec<i32> = (0..5 * 333).map(|_| random.below(60_000) as i32 - 30_000).collect();
        let rows = WeightLayout {
            rows: 5,
            row_stride: 333,
            channels: 333,
            channel_stride: 1,
            products: 1,
        };
        let parts = rows.parts_of((-40, 90), &weights).unwrap();
        assert!(parts.len() > 3 && parts[0].start == 0 && parts[parts.len() - 1].end == 333);
        for pair in parts.windows(2) {
            assert!(pair[0].end == pair[1].start && pair[0].end % BLOCK == 0);
        }
        for part in parts {
            for row in 0..5 {
                let worst = |sign: i64| -> i64 {
                    let own = &weights[row * 333..][part.clone()];
                    own.iter()
                        .map(|&w| (sign * -40 * i64::from(w)).max(sign * 90 * i64::from(w)))
                        .sum()
                };
                assert!(worst(1) <= LARGEST_EXACT && worst(-1) <= LARGEST_EXACT);
            }
        }
        assert_eq!(rows.parts_of((-1 << 20, 0), &weights), None);
    }
}
