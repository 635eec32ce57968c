//! Profiles: layers in order with times that add up, the same answers afterwards, and a device without timestamps.

use std::time::Instant;

use convoke::graph::Pass;
use convoke::profiling::Timing;
use convoke::testing::{Random, compare, compare_exact};
use convoke::{Backend, Error, Gpu, Session};

use crate::profiled::{SHAPE, check, graph, image};
use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("profile/layers", layers),
        trial("profile/afterwards", afterwards),
        trial("profile/without_timestamps", without_timestamps),
        trial("profile/refusals", refusals),
        trial("profile/ceilings", ceilings),
    ]
}

fn layers(gpu: &Gpu) -> Outcome {
    let (graph, image) = (graph()?, image());
    for passes in [&Pass::ALL[..], &[]] {
        let session = Session::builder().backend(gpu.clone()).passes(passes).build(graph.clone())?;
        let start = Instant::now();
        let profile = session.profile(&[image.view()], 3)?;
        let waited = start.elapsed();
        check(&profile, &graph, passes)?;
        let layer = |name: &str| profile.layers.iter().find(|layer| layer.node == name);
        if layer("flat").is_some_and(|layer| !layer.kernels.is_empty()) {
            return Err("a view has kernels".into());
        }
        // Computed once, when the plan was made.
        if layer("fc.weight").is_some_and(|layer| !layer.kernels.is_empty()) {
            return Err("what depends on constants alone has kernels".into());
        }
        let bytes = layer("twice").map(|layer| layer.bytes);
        // Five sums, read once although they are both inputs, and written.
        if bytes != Some(2 * 5 * 4) {
            return Err(format!("twice: {bytes:?} bytes").into());
        }
        let dispatches: usize = profile.layers.iter().map(|layer| layer.kernels.len()).sum();
        if dispatches != session.resident(&[image.view()])?.dispatches() {
            return Err(format!("{dispatches} kernel calls").into());
        }
        if 3 * profile.kernels() > waited || profile.dispatches > waited || profile.run > waited || profile.run.is_zero() {
            return Err(format!("{waited:?} for {profile:?}").into());
        }
    }
    Ok(())
}

/// On a device of its own: what other trials make is counted on theirs.
fn afterwards(_: &Gpu) -> Outcome {
    let gpu = Gpu::new()?;
    let (session, image) = (Session::new(graph()?, &gpu.clone().into())?, image());
    let other = Random::new(23).reals(&SHAPE);
    let before = session.run(&[image.view()])?;
    compare(&before[0], &session.answers(&[image.view()])?[0])?;
    session.profile(&[other.view()], 2)?;
    let made = gpu.counters();
    let after = session.run(&[image.view()])?;
    if gpu.counters() != made {
        return Err(format!("a run after a profile made {:?} of {made:?}", gpu.counters()).into());
    }
    Ok(compare_exact(&after[0], &before[0])?)
}

/// A device of the same adapter that was not asked for timestamps.
fn without_timestamps(gpu: &Gpu) -> Outcome {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters
        .into_iter()
        .find(|adapter| adapter.get_info().name == gpu.info().name);
    let adapter = adapter.ok_or("the adapter is gone")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;
    let plain = Gpu::from_device(device, queue, &adapter.get_info())?;
    let (graph, image) = (graph()?, image());
    let profile = Session::new(graph.clone(), &plain.into())?.profile(&[image.view()], 2)?;
    if profile.timing != Timing::Submissions {
        return Err(format!("timed by {}", profile.timing).into());
    }
    check(&profile, &graph, &Pass::ALL)
}

fn refusals(gpu: &Gpu) -> Outcome {
    let (graph, image) = (graph()?, image());
    let session = Session::new(graph.clone(), &gpu.clone().into())?;
    for inputs in [vec![], vec![image.view(), image.view()]] {
        let message = match session.profile(&inputs, 1) {
            Err(Error::InvalidArgument { message, .. }) => message,
            other => return Err(format!("{} inputs: {other:?}", inputs.len()).into()),
        };
        if !message.contains("expected 1 inputs (image)") {
            return Err(message.into());
        }
    }
    // No repetitions are one.
    if session.profile(&[image.view()], 0)?.repetitions != 1 {
        return Err("not one repetition".into());
    }
    match Session::new(graph, &Backend::Reference)?.profile(&[image.view()], 1) {
        Err(Error::Unsupported { .. }) => Ok(()),
        other => Err(format!("the reference: {other:?}").into()),
    }
}

/// More than the slowest adapter does and less than any: the units are right.
fn ceilings(gpu: &Gpu) -> Outcome {
    let ceilings = gpu.ceilings()?;
    if !(0.1..1e6).contains(&ceilings.gflops) || !(0.01..1e5).contains(&ceilings.gbs) {
        return Err(format!("{ceilings:?}").into());
    }
    Ok(())
}
