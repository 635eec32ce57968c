//! Profiles: layers in order with times that add up, the same answers afterwards, and ceilings.

use std::time::Instant;

use convoke::cpu::Cpu;
use convoke::graph::Pass;
use convoke::profiling::Timing;
use convoke::testing::{compare, compare_exact};
use convoke::{Error, Session};
use libtest_mimic::Trial;

use crate::device::Outcome;
use crate::profiled::{check, graph, image};
use crate::trial;

pub(crate) fn trials(cpu: &Cpu) -> Vec<Trial> {
    vec![
        trial("profile/layers", cpu, layers),
        trial("profile/refusals", cpu, refusals),
        trial("profile/ceilings", cpu, ceilings),
    ]
}

fn layers(cpu: &Cpu) -> Outcome {
    let (graph, image) = (graph()?, image());
    for passes in [&Pass::ALL[..], &[]] {
        let session = Session::builder().backend(cpu.clone()).passes(passes).build(graph.clone())?;
        let before = session.run(&[image.view()])?;
        compare(&before[0], &session.answers(&[image.view()])?[0])?;
        let start = Instant::now();
        let profile = session.profile(&[image.view()], 3)?;
        let waited = start.elapsed();
        check(&profile, &graph, passes)?;
        let layer = |name: &str| profile.layers.iter().find(|layer| layer.node == name);
        let kernels = |name: &str| layer(name).map(|layer| layer.kernels.iter().map(|kernel| kernel.name).collect::<Vec<_>>());
        if kernels("conv").is_some_and(|kernels| kernels != ["product"]) || kernels("joined") != Some(vec!["concat"]) {
            return Err(format!("{:?}, {:?}", kernels("conv"), kernels("joined")).into());
        }
        if kernels("flat").is_some_and(|kernels| !kernels.is_empty()) {
            return Err("a view has kernels".into());
        }
        if profile.timing != Timing::Operators || profile.repetitions != 3 {
            return Err(format!("{profile:?}").into());
        }
        if 3 * profile.kernels() > waited || profile.dispatches > waited || profile.run > waited || profile.run.is_zero() {
            return Err(format!("{waited:?} for {profile:?}").into());
        }
        compare_exact(&session.run(&[image.view()])?[0], &before[0])?;
    }
    Ok(())
}

fn refusals(cpu: &Cpu) -> Outcome {
    let session = Session::new(graph()?, &cpu.clone().into())?;
    match session.profile(&[] as &[convoke::TensorView<'_>], 1) {
        Err(Error::InvalidArgument { message, .. }) if message.contains("expected 1 inputs (image)") => {}
        other => return Err(format!("no inputs: {other:?}").into()),
    }
    // No repetitions are one.
    match session.profile(&[image().view()], 0)?.repetitions {
        1 => Ok(()),
        other => Err(format!("{other} repetitions").into()),
    }
}

/// More than the slowest processor does and less than any: the units are right.
fn ceilings(cpu: &Cpu) -> Outcome {
    let ceilings = cpu.ceilings();
    if !(0.1..1e6).contains(&ceilings.gflops) || !(0.01..1e5).contains(&ceilings.gbs) {
        return Err(format!("{ceilings:?}").into());
    }
    Ok(())
}
