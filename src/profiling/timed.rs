//! Times of kernel calls, made into layers'.

use std::time::Duration;

use super::layer::Layer;
use super::profile::{KernelProfile, LayerProfile};
use super::times::Timed;
use crate::clock::{Instant, SPAN};
use crate::error::Result;

/// The least time that `run` takes, once more than `repetitions` times: the first warms up. Where that is less than the clock tells, it is
/// that of several runs.
pub(crate) async fn least(repetitions: usize, mut run: impl AsyncFnMut() -> Result<()>) -> Result<Duration> {
    run().await?;
    let mut least = Duration::MAX;
    for _ in 0..repetitions {
        let (start, mut runs) = (Instant::now(), 0);
        let together = loop {
            run().await?;
            runs += 1;
            let elapsed = start.elapsed();
            if elapsed >= SPAN {
                break elapsed;
            }
        };
        least = least.min(together / runs);
    }
    Ok(least)
}

/// Gives each layer its kernel calls, with their times in the repetition where the layer took least.
pub(crate) fn layers(layers: &[Layer], timed: &[Timed]) -> Vec<LayerProfile> {
    let layers = layers.iter().enumerate();
    let profiles = layers.map(|(index, layer)| {
        let own: Vec<&Timed> = timed.iter().filter(|timed| timed.node == index).collect();
        let repetitions = own.first().map_or(0, |timed| timed.seconds.len());
        let of = |repetition: usize| own.iter().map(|timed| timed.seconds[repetition]).sum::<f64>();
        let best = (0..repetitions).min_by(|&left, &right| of(left).total_cmp(&of(right)));
        let kernels: Vec<KernelProfile> = own
            .iter()
            .map(|timed| KernelProfile {
                name: timed.kernel,
                time: Duration::try_from_secs_f64(best.map_or(0.0, |best| timed.seconds[best])).unwrap_or(Duration::MAX),
            })
            .collect();
        LayerProfile {
            node: layer.node.clone(),
            operator: layer.operator,
            inputs: layer.inputs.clone(),
            outputs: layer.outputs.clone(),
            flops: layer.flops,
            bytes: if kernels.is_empty() { 0 } else { layer.bytes },
            time: kernels
                .iter()
                .map(|kernel| kernel.time)
                .fold(Duration::ZERO, Duration::saturating_add),
            kernels,
        }
    });
    profiles.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::ops::{Binary, Flatten, MatMul, Slice, Unary};
    use crate::profiling::{Ceilings, Excess, Profile, Timing};

    fn timed(node: usize, kernel: &'static str, seconds: [f64; 2]) -> Timed {
        let seconds = seconds.to_vec();
        Timed { node, kernel, seconds }
    }

    #[test]
    fn layers_have_the_kernel_calls_of_their_best_run() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let product = graph.node("product", MatMul, &[image, image]).unwrap();
        let flat = graph.node("flat", Flatten::default(), &[product]).unwrap();
        let twice = graph.node("twice", Binary::Add, &[flat, flat]).unwrap();
        let part = graph.node("part", Slice::new([0], [1]).axes([0]), &[twice]).unwrap();
        graph.node("relu", Unary::Relu, &[part]).unwrap();
        let shapes = graph.shapes(&[&[4, 4]]).unwrap();
        let known: Vec<Layer> = (graph.nodes.iter())
            .map(|node| Layer::new(node, 4, |value| shapes[value.0].as_slice()))
            .collect();
        let timed = [
            timed(0, "first", [1.0, 3.0]),
            timed(0, "second", [4.0, 1.0]),
            timed(2, "binary", [2.0, 3.0]),
            timed(3, "copy", [1.0, 0.5]),
        ];
        let profiles = layers(&known, &timed);
        let seconds = |index: usize| profiles[index].time.as_secs_f64();
        assert_eq!([0, 1, 2, 3, 4].map(seconds), [4.0, 0.0, 2.0, 0.5, 0.0]);
        let kernels: Vec<_> = profiles[0]
            .kernels
            .iter()
            .map(|kernel| (kernel.name, kernel.time.as_secs_f64()))
            .collect();
        assert_eq!(kernels, [("first", 3.0), ("second", 1.0)]);
        let numbers: Vec<_> = profiles.iter().map(|layer| (layer.flops, layer.bytes)).collect();
        // [4, 4] by itself, read once and written; what has no kernel moves nothing; of a slice one row.
        assert_eq!(numbers, [(128, 128), (0, 0), (0, 128), (0, 32), (0, 0)]);
    }

    #[test]
    fn what_is_above_a_ceiling_is_explained_or_measured_again() {
        let layer = |kernel: &'static str, flops, bytes| {
            let time = Duration::from_millis(1);
            let kernels = vec![KernelProfile { name: kernel, time }];
            LayerProfile {
                node: String::new(),
                operator: "conv2d",
                inputs: vec![],
                outputs: vec![],
                kernels,
                flops,
                bytes,
                time,
            }
        };
        // Twice what a millisecond allows, or half of it.
        let layers = vec![
            layer("winograd_input", 20_000_000, 0),
            layer("gemm", 20_000_000, 0),
            layer("activation", 0, 200_000_000),
            layer("activation", 0, 2_000_000),
            layer("gemm", 5_000_000, 500_000),
        ];
        let ceilings = |gflops, gbs| Ceilings {
            gflops,
            byte_gops: None,
            gbs,
        };
        let profile = Profile {
            timing: Timing::Submissions,
            repetitions: 1,
            ceilings: ceilings(10.0, 1.0),
            layers,
            dispatches: Duration::ZERO,
            run: Duration::ZERO,
        };
        let excess = |profile: &Profile| -> Vec<_> { profile.layers.iter().map(|layer| profile.excess(layer)).collect() };
        let (caches, winograd, ceiling) = (Some(Excess::Caches), Some(Excess::Winograd), Some(Excess::Ceiling));
        assert_eq!(excess(&profile), [winograd, ceiling, ceiling, caches, None]);
        let again = pollster::block_on(profile.against(async || Ok(ceilings(40.0, 0.5)))).unwrap();
        assert_eq!(
            (again.ceilings, excess(&again)[..2].to_vec()),
            (ceilings(40.0, 1.0), vec![None, None])
        );
    }
}
