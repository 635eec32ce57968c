//! How much arithmetic a graph asks for.

use super::Graph;
use crate::error::Result;
use crate::ops::Op;

impl Graph {
    /// Multiplications with a weight, each with its addition, for these shapes of the inputs: those of convolutions, plain
    /// and transposed, and of linear layers. Twice as many are the FLOPs that papers count.
    ///
    /// Errors: as [`shapes`](Self::shapes).
    pub fn multiply_adds(&self, inputs: &[&[usize]]) -> Result<u64> {
        let shapes = self.shapes(inputs)?;
        let count = |shape: &[usize]| {
            shape
                .iter()
                .fold(1_u64, |product, &extent| product.saturating_mul(extent as u64))
        };
        let works = self.nodes.iter().map(|node| {
            // Every output element of a convolution or linear layer reads one filter; every input element of a transposed
            // one is read by one.
            let per_filter = match node.op {
                Op::Conv2d(_) | Op::Linear(_) => &shapes[node.outputs[0].0],
                Op::ConvTranspose2d(_) => &shapes[node.inputs[0].0],
                _ => return 0,
            };
            let weight = &shapes[node.inputs[1].0];
            count(per_filter).saturating_mul(count(&weight[1..]))
        });
        Ok(works.fold(0, u64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::ops::{Conv2d, ConvTranspose2d};

    #[test]
    fn work_is_counted_by_the_definition() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let weight = graph.constant("weight", ArrayD::zeros(vec![6, 2, 3, 2]));
        let features = graph.node("conv", Conv2d::new().groups(2), &[image, weight]).unwrap();
        graph.node("back", ConvTranspose2d::new(), &[features, weight]).unwrap();
        // [1, 6, 3, 6] from 2 channels under 3x2, and as many elements into 2 channels under 3x2.
        assert_eq!(graph.multiply_adds(&[&[1, 4, 5, 7]]).unwrap(), 2 * 108 * 12);
    }
}
