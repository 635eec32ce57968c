//! What graphs in nodes need of the conversion that they are a part of.

use super::builder::Builder;
use crate::error::Result;
use crate::onnx::proto::NodeProto;

/// The conversion of a model, for the graphs in its nodes.
pub(super) trait Nested<'m> {
    /// Converts nodes in their order.
    fn nodes(&mut self, builder: &mut Builder<'m>, nodes: &'m [NodeProto]) -> Result<()>;

    /// How many nodes of graphs in nodes were converted, those of loops in each round.
    fn unrolled(&mut self) -> &mut usize;
}
