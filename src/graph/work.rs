//! How much arithmetic a graph asks for.

use super::{Graph, Node, ValueId};
use crate::error::Result;
use crate::ops::{FusedBase, Op};

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
    // Every output element of a convolution or linear layer reads one filter; every input element of a transposed
    // one is read by one.
    let is_transposed = match node.op {
        Op::Conv(_) | Op::ConvInteger(_) | Op::Linear(_) => false,
        Op::ConvTranspose(_) => true,
        Op::Fused(op) => matches!(op.base, FusedBase::ConvTranspose(_)),
        Op::MatMul(_) | Op::MatMulInteger(_) => {
            let terms = shape(node.inputs[0]).last().map_or(0, |&extent| extent as u64);
            return count(shape(node.outputs[0])).saturating_mul(terms);
        }
        Op::ScaledDotProductAttention(_) => {
            let [query, key, output] = [node.inputs[0], node.inputs[1], node.outputs[0]].map(&shape);
            let keys = key[key.len() - 2] as u64;
            return count(query).saturating_add(count(output)).saturating_mul(keys);
        }
        Op::Recurrent(_) => {
            let [projected, weight] = [node.inputs[0], node.inputs[1]];
            return count(shape(projected)).saturating_mul(count(&shape(weight)[1..]));
        }
        _ => return 0,
    };
    let per_filter = if is_transposed { node.inputs[0] } else { node.outputs[0] };
    count(shape(per_filter)).saturating_mul(count(&shape(node.inputs[1])[1..]))
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::ops::{Conv2d, ConvTranspose2d, Fused, MatMul, ScaledDotProductAttention, Unary};

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
