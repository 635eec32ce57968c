//! How much arithmetic a graph asks for.

use super::{Graph, Node, ValueId};
use crate::error::Result;
use crate::ops::{FusedBase, Op};
use crate::shape::PerAxis;

impl Graph {
    /// Multiplications, each with its addition, for these shapes of the inputs: those of convolutions, plain and transposed,
    /// of linear layers, of matrix products, of attention, and of the states of recurrent layers. Twice as many are the FLOPs that papers count.
    ///
    /// Errors: as [`shapes`](Self::shapes).
    pub fn multiply_adds(&self, inputs: &[&[usize]]) -> Result<u64> {
        let shapes = self.shapes(inputs)?;
        let works = self
            .nodes
            .iter()
            .map(|node| multiply_adds(node, |value| shapes[value.0].as_slice()));
        Ok(works.fold(0, u64::saturating_add))
    }
}

/// The elements of a tensor.
pub(crate) fn count(shape: &[usize]) -> u64 {
    let extents = shape.iter();
    extents.fold(1_u64, |product, &extent| product.saturating_mul(extent as u64))
}

/// The multiplications of one operator, each with its addition, given the shapes of its inputs and outputs.
pub(crate) fn multiply_adds<'a>(node: &Node, shape: impl Fn(ValueId) -> &'a [usize]) -> u64 {
    let inputs: Vec<&[usize]> = node.inputs.iter().map(|&input| shape(input)).collect();
    products(&node.op, &inputs, shape(node.outputs[0]))
}

fn products(op: &Op, inputs: &[&[usize]], output: &[usize]) -> u64 {
    // Every output element of a convolution or linear layer reads one filter; every input element of a transposed
    // one is read by one.
    let is_transposed = match op {
        Op::Conv(_) | Op::ConvInteger(_) | Op::Linear(_) => false,
        Op::ConvTranspose(_) => true,
        Op::Fused(op) => matches!(op.base, FusedBase::ConvTranspose(_)),
        Op::MatMul(_) | Op::MatMulInteger(_) => {
            let terms = inputs[0].last().map_or(0, |&extent| extent as u64);
            return count(output).saturating_mul(terms);
        }
        Op::ScaledDotProductAttention(_) => {
            let keys = inputs[1][inputs[1].len() - 2] as u64;
            return count(inputs[0]).saturating_add(count(output)).saturating_mul(keys);
        }
        Op::Recurrent(_) => return count(inputs[0]).saturating_mul(count(&inputs[1][1..])),
        _ => return 0,
    };
    let per_filter = if is_transposed { inputs[0] } else { output };
    count(per_filter).saturating_mul(count(&inputs[1][1..]))
}

/// How many elements an operator reads, writes and goes through on the way, about: what it costs without regard to how it is computed.
pub(crate) fn steps(op: &Op, inputs: &[&[usize]], outputs: &[impl AsRef<[usize]>]) -> u64 {
    let axes = inputs.first().map_or(0, |input| input.len().saturating_sub(2));
    let taps = |kernel: PerAxis| {
        kernel
            .of_axes(op.name(), "kernel size", axes)
            .map_or(1, |kernel| count(&kernel))
    };
    let Some(output) = outputs.first().map(AsRef::as_ref) else {
        return 0;
    };
    let per_output = match op {
        Op::MaxPool(op) => taps(op.kernel_size),
        Op::AvgPool(op) => taps(op.kernel_size),
        Op::LpPool(op) => taps(op.kernel_size),
        Op::LocalResponseNorm(op) => op.size as u64,
        Op::RoiAlign(op) => (op.sampling_ratio as u64).saturating_pow(2),
        _ => 0,
    };
    let touched = inputs.iter().copied().chain(outputs.iter().map(AsRef::as_ref)).map(count);
    [count(output).saturating_mul(per_output), products(op, inputs, output)]
        .into_iter()
        .chain(touched)
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::ops::{Conv2d, ConvTranspose2d, Fused, LocalResponseNorm, MatMul, MaxPool, ScaledDotProductAttention, Unary};

    #[test]
    fn steps_count_windows_and_what_is_touched() {
        let of = |op: Op, input: &[usize]| {
            let outputs = op.output_shapes(&[input]).unwrap();
            steps(&op, &[input], &outputs)
        };
        let input = [1, 2, 8, 9];
        let outputs = 2 * 6 * 6;
        assert_eq!(
            of(MaxPool::new((3, 4)).stride(1).into(), &input),
            outputs * 12 + outputs + 144
        );
        assert_eq!(of(LocalResponseNorm::new(5).into(), &input), 144 * 5 + 144 + 144);
        assert_eq!(of(Unary::Relu.into(), &input), 144 + 144);
    }

    #[test]
    fn work_is_counted_by_the_definition() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let weight = graph.constant("weight", ArrayD::<f32>::zeros(vec![6, 2, 3, 2]));
        let features = graph.node("conv", Conv2d::new().groups(2), &[image, weight]).unwrap();
        graph.node("back", ConvTranspose2d::new(), &[features, weight]).unwrap();
        // [1, 6, 3, 6] from 2 channels under 3x2, and as many elements into 2 channels under 3x2.
        assert_eq!(graph.multiply_adds(&[&[1, 4, 5, 7]]).unwrap(), 2 * 108 * 12);
    }

    #[test]
    fn fused_operators_and_matrix_products_count_too() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let weight = graph.constant("weight", ArrayD::<f32>::zeros(vec![6, 4, 3, 2]));
        let fused = Fused::new(FusedBase::Conv(Conv2d::new())).activation(Unary::Relu);
        graph.node("conv", fused, &[image, weight]).unwrap();
        let matrix = graph.constant("matrix", ArrayD::<f32>::zeros(vec![7, 2]));
        graph.node("product", MatMul, &[image, matrix]).unwrap();
        let key = graph.constant("key", ArrayD::<f32>::zeros(vec![1, 4, 8, 7]));
        let value = graph.constant("value", ArrayD::<f32>::zeros(vec![1, 4, 8, 3]));
        let attention = ScaledDotProductAttention::new();
        graph.node("attention", attention, &[image, key, value]).unwrap();
        let of_attention = 4 * 5 * 8 * (7 + 3);
        assert_eq!(
            graph.multiply_adds(&[&[1, 4, 5, 7]]).unwrap(),
            6 * 3 * 6 * 24 + 4 * 5 * 2 * 7 + of_attention
        );
    }
}
