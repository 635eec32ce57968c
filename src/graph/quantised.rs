//! A graph for tests of what is computed together.

use ndarray::{Array, ArrayD, array};

use super::{Graph, ValueId};
use crate::dtype::DType;
use crate::ops::{Binary, Cast, Conv, ConvInteger, Op, Unary};

/// Bytes that are centred, convolved and quantised, and that are added to others: the quantised ones, those sums, and the numbers that were
/// quantised. None is an output yet. The weight is `[6, 3, 3, 3]`.
pub(crate) fn quantised(weight: ArrayD<i8>) -> (Graph, [ValueId; 3]) {
    let mut graph = Graph::new();
    let image = graph.input_of_type("image", DType::U8);
    let (weight, bias) = (graph.constant("weight", weight), graph.constant("bias", array![[[-40_i32]]]));
    let factors = Array::from_shape_fn((6, 1, 1), |(channel, ..)| 0.01 * (channel + 1) as f32);
    let factor = graph.constant("factor", factors);
    let (zero, moved) = (
        graph.constant("zero", array![120_i32]),
        graph.constant("moved", array![3.0_f32]),
    );
    let columns = graph.constant("columns", Array::from_shape_fn(11, |x| x as f32 / 7.0));
    let mut last = image;
    let mut then = |op: Op, others: &[ValueId]| {
        last = graph.node(op.name(), op, &[&[last], others].concat()).unwrap();
        last
    };
    then(Cast::new(DType::I32).into(), &[]);
    then(Binary::Sub.into(), &[zero]);
    then(ConvInteger::new(Conv::new().padding(1)).into(), &[weight]);
    then(Binary::Add.into(), &[bias]);
    then(Cast::new(DType::F32).into(), &[]);
    let reals = then(Binary::Mul.into(), &[factor]);
    then(Unary::Round.into(), &[]);
    then(Binary::Add.into(), &[moved]);
    then(Unary::Clamp { min: 0.0, max: 255.0 }.into(), &[]);
    let bytes = then(Cast::new(DType::U8).into(), &[]);
    then(Cast::new(DType::F32).into(), &[]);
    then(Binary::Div.into(), &[columns]);
    then(Binary::Sub.into(), &[reals]);
    let signed = then(Cast::new(DType::I8).into(), &[]);
    (graph, [bytes, signed, reals])
}
