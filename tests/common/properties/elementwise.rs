//! Tensors of any rank: activations, arithmetic, products, norms and reductions.

use convoke::ops::{
    BatchNorm, InstanceNorm, LayerNorm, Linear, LocalResponseNorm, MatMul, PRelu, Reduce, ReduceKind, Softmax, Unary,
};
use proptest::prelude::*;

use super::{Case, shapes};
use crate::device;

pub(crate) fn activations() -> impl Strategy<Value = Case> {
    let parameters = [
        Unary::LeakyRelu { negative_slope: -1.5 },
        Unary::Elu { alpha: 0.3 },
        Unary::Clamp { min: 2.0, max: -3.0 },
        Unary::Selu { alpha: -2.0, gamma: 0.5 },
        Unary::HardSigmoidWith { alpha: -1.5, beta: 0.1 },
    ];
    let kinds: Vec<Unary> = device::unaries().chain(parameters).collect();
    (prop::sample::select(kinds), shapes(0..=5), any::<u64>()).prop_map(|(op, shape, seed)| Case::new(op, vec![shape], seed))
}

pub(crate) fn prelus() -> impl Strategy<Value = Case> {
    (shapes(2..=5), any::<(bool, u64)>()).prop_map(|(shape, (one, seed))| {
        let slopes = if one { 1 } else { shape[1] };
        Case::new(PRelu, vec![shape, vec![slopes]], seed)
    })
}

pub(crate) fn softmaxes() -> impl Strategy<Value = Case> {
    (shapes(1..=5), any::<(prop::sample::Index, bool, bool, u64)>()).prop_map(|(shape, (axis, log, from_end, seed))| {
        let axis = axis.index(shape.len()) as isize - if from_end { shape.len() as isize } else { 0 };
        let op = if log { Softmax::log(axis) } else { Softmax::new(axis) };
        Case::new(op, vec![shape], seed)
    })
}

/// Rows of whole vectors and not, on either side of where a workgroup keeps one.
pub(crate) fn softmaxes_of_rows() -> impl Strategy<Value = Case> {
    (1..=5usize, 1..=400usize, any::<(bool, bool, u64)>()).prop_map(|(rows, vectors, (odd, log, seed))| {
        let op = if log { Softmax::log(-1) } else { Softmax::new(-1) };
        Case::new(op, vec![vec![rows, 4 * vectors + usize::from(odd)]], seed)
    })
}

pub(crate) fn linears() -> impl Strategy<Value = Case> {
    let features = (1..=40usize, 1..=21usize);
    (shapes(0..=3), features, any::<(bool, u64)>()).prop_map(|(mut shape, (ins, outs), (bias, seed))| {
        shape.push(ins);
        let mut shapes = vec![shape, vec![outs, ins]];
        if bias {
            shapes.push(vec![outs]);
        }
        Case::new(Linear, shapes, seed)
    })
}

/// Two operands that fit: from one product, each drops leading extents, makes some of the others 1, or is a vector.
pub(crate) fn matmuls() -> impl Strategy<Value = Case> {
    let extents = (1..=11usize, 1..=40usize, 1..=13usize);
    let flags = (any::<(u8, u8)>(), 0..=3usize, 0..=3usize, 0..4u8);
    (shapes(0..=3), extents, flags, any::<u64>()).prop_map(
        |(batch, (rows, inner, columns), ((left, right), drop_left, drop_right, vectors), seed)| {
            let operand = |mask: u8, dropped: usize, matrix: [usize; 2]| -> Vec<usize> {
                let extent = |(axis, &extent): (usize, &usize)| if mask >> axis & 1 == 1 { 1 } else { extent };
                let leading = batch.iter().enumerate().map(extent).skip(dropped.min(batch.len()));
                leading.chain(matrix).collect()
            };
            let left = match vectors {
                1 | 3 => vec![inner],
                _ => operand(left, drop_left, [rows, inner]),
            };
            let right = match vectors {
                2 | 3 => vec![inner],
                _ => operand(right, drop_right, [inner, columns]),
            };
            Case::new(MatMul, vec![left, right], seed)
        },
    )
}

pub(crate) fn batch_norms() -> impl Strategy<Value = Case> {
    (shapes(2..=5), prop::sample::select(vec![0.0, 1e-5, 0.5]), any::<u64>()).prop_map(|(shape, eps, seed)| {
        let channels = vec![shape[1]];
        let shapes = vec![shape, channels.clone(), channels.clone(), channels.clone(), channels];
        Case::new(BatchNorm::new().eps(eps), shapes, seed)
    })
}

/// Planes of one element, of fewer than a workgroup's lanes, and of more.
pub(crate) fn instance_norms() -> impl Strategy<Value = Case> {
    let eps = prop::sample::select(vec![1e-5, 1e-3, 0.5]);
    (shapes(3..=5), eps, any::<u64>()).prop_map(|(shape, eps, seed)| {
        let channels = vec![shape[1]];
        let shapes = vec![shape, channels.clone(), channels];
        Case::new(InstanceNorm::new().eps(eps), shapes, seed)
    })
}

/// Along one axis and several, with a bias and without, and without a mean.
pub(crate) fn layer_norms() -> impl Strategy<Value = Case> {
    let eps = prop::sample::select(vec![1e-5, 1e-3, 0.5]);
    (shapes(1..=5), any::<prop::sample::Index>(), 0..3usize, eps, any::<u64>()).prop_map(|(shape, axis, kind, eps, seed)| {
        let axis = axis.index(shape.len());
        Case::new(
            layer_norm(axis as isize, kind).eps(eps),
            with_parameters(shape, axis, kind),
            seed,
        )
    })
}

/// Rows of one element, of whole vectors and not, that a workgroup keeps and that it does not.
pub(crate) fn layer_norms_of_rows() -> impl Strategy<Value = Case> {
    let extents = prop::sample::select(vec![1, 3, 31, 63, 64, 257, 768, 1000, 1024, 3000, 3001]);
    (1..=5usize, extents, 0..3usize, any::<u64>())
        .prop_map(|(rows, extent, kind, seed)| Case::new(layer_norm(-1, kind), with_parameters(vec![rows, extent], 1, kind), seed))
}

fn layer_norm(axis: isize, kind: usize) -> LayerNorm {
    if kind == 0 {
        LayerNorm::rms(axis)
    } else {
        LayerNorm::new(axis)
    }
}

/// An input, a weight, and a bias in one kind of three.
fn with_parameters(shape: Vec<usize>, axis: usize, kind: usize) -> Vec<Vec<usize>> {
    let parameters = vec![shape[axis..].to_vec(); if kind == 2 { 2 } else { 1 }];
    [vec![shape], parameters].concat()
}

/// Windows of an odd and an even number of channels, and wider than all of them.
pub(crate) fn local_response_norms() -> impl Strategy<Value = Case> {
    let select = |values: [f32; 4]| prop::sample::select(values.to_vec());
    let factors = (
        select([0.0, 1e-4, 0.5, 7.0]),
        select([0.1, 0.75, 1.0, 3.0]),
        select([0.3, 1.0, 2.0, 9.0]),
    );
    (shapes(2..=5), 1..=9usize, factors, any::<u64>()).prop_map(|(shape, size, (alpha, beta, k), seed)| {
        let op = LocalResponseNorm::new(size).alpha(alpha).beta(beta).k(k);
        Case::new(op, vec![shape], seed)
    })
}

/// Two shapes that broadcast: from one, each drops leading extents and makes some of the others 1.
pub(crate) fn binaries() -> impl Strategy<Value = Case> {
    let masks = any::<(u8, u8)>();
    let dropped = (0..=5usize, 0..=5usize, any::<bool>());
    let kinds = prop::sample::select(device::binaries().collect::<Vec<_>>());
    (shapes(0..=5), masks, dropped, (kinds, any::<u64>())).prop_map(
        |(shape, (left, right), (drop_left, drop_right, same), (op, seed))| {
            let operand = |mask: u8, dropped: usize| -> Vec<usize> {
                let extent = |(axis, &extent): (usize, &usize)| if !same && mask >> axis & 1 == 1 { 1 } else { extent };
                let dropped = if same { 0 } else { dropped.min(shape.len()) };
                shape.iter().enumerate().map(extent).skip(dropped).collect()
            };
            let shapes = vec![operand(left, drop_left), operand(right, drop_right)];
            Case::new(op, shapes, seed)
        },
    )
}

pub(crate) fn reductions() -> impl Strategy<Value = Case> {
    let kind = prop::sample::select(vec![ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max]);
    let shape = prop::collection::vec(prop::sample::select(vec![1usize, 2, 3, 4, 5, 7, 0]), 0..=5);
    (kind, shape, any::<(u8, bool, bool, u64)>()).prop_map(|(kind, shape, (mask, keep_dims, from_end, seed))| {
        let rank = shape.len() as isize;
        let axes = (0..rank).filter(|axis| mask >> axis & 1 == 1);
        let axes: Vec<isize> = axes.map(|axis| if from_end { axis - rank } else { axis }).collect();
        Case::new(Reduce::new(kind, axes).keep_dims(keep_dims), vec![shape], seed)
    })
}
