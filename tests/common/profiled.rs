//! A graph to profile, and what must hold of its profile on every backend.

use convoke::graph::{Graph, Pass};
use convoke::ops::{Binary, Concat, Conv2d, Flatten, Linear, Transpose, Unary};
use convoke::profiling::Profile;
use convoke::testing::Random;
use ndarray::ArrayD;

use crate::device::Outcome;

pub(crate) const SHAPE: [usize; 4] = [1, 3, 18, 13];

/// A convolution whose activation is fused, one branch that is joined, constants alone, a view, and a linear layer.
pub(crate) fn graph() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(21));
    let image = graph.input("image");
    let weight = graph.constant("conv.weight", random.reals(&[8, 3, 3, 3]));
    let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight])?;
    let features = graph.node("relu", Unary::Relu, &[features])?;
    let branch = graph.node("branch", Unary::Silu, &[features])?;
    let joined = graph.node("joined", Concat::new(1), &[features, branch])?;
    let flat = graph.node("flat", Flatten::default(), &[joined])?;
    let rows = graph.constant("rows", random.reals(&[16 * 18 * 13, 5]).mapv(|x| x / 60.0));
    let weight = graph.node("fc.weight", Transpose::new([1, 0]), &[rows])?;
    let sums = graph.node("fc", Linear, &[flat, weight])?;
    let twice = graph.node("twice", Binary::Add, &[sums, sums])?;
    graph.output(twice)?;
    Ok(graph)
}

pub(crate) fn image() -> ArrayD<f32> {
    Random::new(22).reals(&SHAPE)
}

/// What must hold of every profile of the graph.
pub(crate) fn check(profile: &Profile, graph: &Graph, passes: &[Pass]) -> Outcome {
    let optimized = graph.optimized(passes, Some(&[&SHAPE]))?;
    let names: Vec<&str> = optimized.nodes().iter().map(convoke::graph::Node::name).collect();
    let got: Vec<&str> = profile.layers.iter().map(|layer| layer.node.as_str()).collect();
    if got != names {
        return Err(format!("layers {got:?}, want {names:?}").into());
    }
    let flops: u64 = profile.layers.iter().map(|layer| layer.flops).sum();
    let want = 2 * graph.multiply_adds(&[&SHAPE])?;
    if flops != want {
        return Err(format!("{flops} FLOPs, want {want}").into());
    }
    for layer in &profile.layers {
        let sum: std::time::Duration = layer.kernels.iter().map(|kernel| kernel.time).sum();
        let is_idle = layer.kernels.is_empty();
        if layer.time != sum || layer.time.is_zero() != is_idle || (layer.bytes == 0) != is_idle {
            return Err(format!("{layer:?}").into());
        }
        let share = profile.share(layer);
        if !(0.0..=1.0).contains(&share) || (layer.flops > 0 && profile.efficiency(layer) <= 0.0) {
            return Err(format!("share {share}, efficiency {}: {layer:?}", profile.efficiency(layer)).into());
        }
    }
    let shares: f64 = profile.layers.iter().map(|layer| profile.share(layer)).sum();
    if (shares - 1.0).abs() > 1e-6 {
        return Err(format!("shares add up to {shares}").into());
    }
    Ok(())
}
