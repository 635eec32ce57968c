//! Sessions on the CPU: passes, shared buffers, several shapes, several threads, verification.

use convoke::cpu::{Cpu, Vectors};
use convoke::graph::{Graph, Pass};
use convoke::ops::{Binary, Concat, Conv2d, Flatten, Linear, MaxPool2d, Reshape, Unary};
use convoke::testing::{Random, compare};
use convoke::{Backend, Error, Session};
use libtest_mimic::Trial;
use ndarray::{ArrayD, Axis};
use rayon::prelude::*;

use crate::device::Outcome;
use crate::trial;

pub(crate) fn trials(cpu: &Cpu) -> Vec<Trial> {
    vec![
        trial("session/shapes", cpu, shapes),
        trial("session/passes", cpu, passes),
        trial("session/outputs", cpu, outputs),
        trial("session/refusals", cpu, refusals),
        trial("session/concurrent", cpu, concurrent),
        trial("session/from_the_pool", cpu, from_the_pool),
        trial("device/threads", cpu, |_| threads()),
        trial("device/vectors", cpu, vectors),
        trial("device/winograd", cpu, winograd),
    ]
}

/// A residual block, a join, and a classifier that takes images of 8 x 10 alone.
fn network(classifier: bool) -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(3));
    let image = graph.input("image");
    let weight = graph.constant("weight", random.reals(&[8, 3, 3, 3]));
    let first = graph.node("first", Conv2d::new().padding(1), &[image, weight])?;
    let active = graph.node("active", Unary::Relu, &[first])?;
    let weight = graph.constant("inner", random.reals(&[8, 8, 3, 3]));
    let second = graph.node("second", Conv2d::new().padding(1), &[active, weight])?;
    let sum = graph.node("sum", Binary::Add, &[second, active])?;
    let sum = graph.node("silu", Unary::Silu, &[sum])?;
    let joined = graph.node("joined", Concat::new(1), &[sum, active, image])?;
    let mut last = graph.node("pooled", MaxPool2d::new(2), &[joined])?;
    if classifier {
        let flat = graph.node("flat", Flatten::default(), &[last])?;
        let weight = graph.constant("classes", random.reals(&[5, 19 * 4 * 5]));
        last = graph.node("linear", Linear, &[flat, weight])?;
    }
    graph.output(last)?;
    Ok(graph)
}

/// Devices of one process with other vectors: whole networks and operators by themselves, small ones that one thread computes and large
/// ones, have the same bits by all that multiply and add in one.
fn vectors(cpu: &Cpu) -> Outcome {
    let mut random = Random::new(17);
    let baseline = Cpu::builder().vectors(Vectors::Baseline).build()?;
    if baseline.to_string() != format!("CPU ({} threads, baseline vectors)", baseline.threads()).replace("(1 threads", "(1 thread")
    {
        return Err(baseline.to_string().into());
    }
    let avx2 = match Cpu::builder().threads(2).vectors(Vectors::Avx2).build() {
        Ok(avx2) if avx2.to_string() == "CPU (2 threads, AVX2)" => avx2,
        // A machine without them says so, and has nothing to compare.
        Err(Error::Unsupported { .. }) if !has_avx2() => return Ok(()),
        other => return Err(format!("{other:?}").into()),
    };
    for size in [[1, 3, 8, 10], [2, 3, 120, 96]] {
        let image = random.reals(&size);
        let session = |cpu: &Cpu| Session::builder().backend(cpu.clone()).build(network(false)?);
        right(&session(&baseline)?, &image)?;
        if session(&avx2)?.run(&[image.view()])? != session(cpu)?.run(&[image.view()])? {
            return Err("a network's bits differ".into());
        }
    }
    let operands = [random.reals(&[1, 48, 21, 19]), random.reals(&[96, 48, 3, 3])];
    let operands = operands.each_ref().map(|operand| operand.view());
    let op = Conv2d::new().padding(1);
    for op in [op, op.stride(2), op.dilation(2)] {
        if avx2.run(&op.into(), &operands)? != cpu.run(&op.into(), &operands)? {
            return Err(format!("a convolution's bits differ: {op:?}").into());
        }
    }
    Ok(())
}

/// A device that computes by definitions alone: other bits, the same whole numbers, and the profile says which kernel it was.
fn winograd(cpu: &Cpu) -> Outcome {
    let mut random = Random::new(18);
    let direct = Cpu::builder().threads(2).winograd(false).build()?;
    let op = Conv2d::new().padding(1);
    let weight = random.reals(&[70, 72, 3, 3]);
    let image = random.reals(&[1, 72, 16, 15]);
    let run = |cpu: &Cpu, image: &ArrayD<f32>, weight: &ArrayD<f32>| cpu.run(&op.into(), &[image.view(), weight.view()]);
    if run(cpu, &image, &weight)? == run(&direct, &image, &weight)? {
        return Err("the same bits with and without Winograd's algorithm".into());
    }
    let [numbers, factors] = [random.integers(&[1, 72, 16, 15]), random.integers(&[70, 72, 3, 3])];
    if run(cpu, &numbers, &factors)? != run(&direct, &numbers, &factors)? {
        return Err("sums of whole numbers differ".into());
    }
    let mut graph = Graph::new();
    let input = graph.input("image");
    let weight = graph.constant("weight", weight);
    let output = graph.node("conv", op, &[input, weight])?;
    graph.output(output)?;
    for (cpu, expected) in [(cpu, "winograd"), (&direct, "blocks")] {
        let session = Session::builder().backend(cpu.clone()).build(graph.clone())?;
        right(&session, &image)?;
        let profile = session.profile(&[image.view()], 1)?;
        let kernels: Vec<&str> = (profile.layers.iter().flat_map(|layer| &layer.kernels))
            .map(|kernel| kernel.name)
            .collect();
        if !kernels.contains(&expected) {
            return Err(format!("computed by {kernels:?}, not by {expected}").into());
        }
    }
    Ok(())
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn right(session: &Session, input: &ArrayD<f32>) -> Outcome {
    let outputs = session.run(&[input.view()])?;
    for (output, answer) in outputs.iter().zip(session.answers(&[input.view()])?) {
        compare(output, &answer)?;
    }
    for check in session.verify(&[input.view()])? {
        if let Some(mismatch) = check.mismatch {
            return Err(format!("{}: {mismatch}", check.node).into());
        }
    }
    Ok(())
}

/// One session, several shapes, back and forth: each has its plan, and buffers keep nothing of the run before.
fn shapes(cpu: &Cpu) -> Outcome {
    let session = Session::builder().backend(cpu.clone()).keep_plans(2).build(network(false)?)?;
    let mut random = Random::new(4);
    for shape in [
        [1, 3, 8, 10],
        [2, 3, 9, 7],
        [1, 3, 8, 10],
        [1, 3, 31, 40],
        [0, 3, 5, 5],
        [1, 3, 8, 10],
    ] {
        right(&session, &random.reals(&shape))?;
    }
    // What does not lie in order is the same numbers.
    let mut swapped = random.reals(&[1, 3, 10, 8]);
    swapped.swap_axes(2, 3);
    right(&session, &swapped)?;
    let mut mirrored = random.reals(&[1, 3, 8, 10]);
    mirrored.invert_axis(Axis(3));
    right(&session, &mirrored)
}

fn passes(cpu: &Cpu) -> Outcome {
    let input = Random::new(5).reals(&[1, 3, 8, 10]);
    for passes in [&[][..], &[Pass::FuseEpilogues], &Pass::ALL] {
        right(
            &Session::builder().backend(cpu.clone()).passes(passes).build(network(true)?)?,
            &input,
        )?;
    }
    Ok(())
}

/// An input, a constant, and one tensor in two shapes may all be outputs, and live to the end.
fn outputs(cpu: &Cpu) -> Outcome {
    let mut graph = Graph::new();
    let input = graph.input("input");
    let constant = graph.constant("constant", Random::new(6).reals(&[2, 3]));
    let sum = graph.node("sum", Binary::Add, &[input, constant])?;
    let flat = graph.node("flat", Reshape::new([-1]), &[sum])?;
    let more = graph.node("more", Unary::Neg, &[flat])?;
    let again = graph.node("again", Unary::Abs, &[more])?;
    for value in [input, constant, sum, flat, again, again] {
        graph.output(value)?;
    }
    let session = Session::builder().backend(cpu.clone()).passes(&[]).build(graph)?;
    let outputs = session.run(&[Random::new(7).reals(&[2, 3]).view()])?;
    let shapes: Vec<&[usize]> = outputs.iter().map(ArrayD::shape).collect();
    if shapes != [&[2, 3][..], &[2, 3], &[2, 3], &[6], &[6], &[6]] {
        return Err(format!("{shapes:?}").into());
    }
    right(&session, &Random::new(7).reals(&[2, 3]))
}

#[expect(clippy::expect_used, reason = "a test may fail")]
fn refusals(cpu: &Cpu) -> Outcome {
    let session = Session::new(network(true)?, &Backend::Cpu(cpu.clone()))?;
    let image = ArrayD::zeros(vec![1, 3, 9, 9]);
    let error = session
        .run(&[image.view()])
        .map(|_| ())
        .expect_err("features that do not fit");
    assert!(error.to_string().contains("\"linear\""), "{error}");
    let error = session.run(&[]).map(|_| ()).expect_err("no inputs");
    assert!(error.to_string().contains("expected 1 inputs (image)"), "{error}");
    let error = session.resident(&[image.view()]).map(|_| ()).expect_err("no GPU");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    Ok(())
}

/// A thread of rayon's pool that waits for a run may begin another run of the same session.
fn from_the_pool(_: &Cpu) -> Outcome {
    let session = Session::new(network(false)?, &Backend::cpu())?;
    let input = Random::new(9).reals(&[1, 3, 60, 50]);
    let want = session.run(&[input.view()])?;
    let same = |_: usize| session.run(&[input.view()]).is_ok_and(|got| got == want);
    let all = (0..64).into_par_iter().all(same);
    if all { Ok(()) } else { Err("a run differs".into()) }
}

/// Several threads use one session, with one shape and with several.
fn concurrent(cpu: &Cpu) -> Outcome {
    let session = Session::new(network(false)?, &Backend::Cpu(cpu.clone()))?;
    let run = |seed: u64| -> Result<(), String> {
        let input = Random::new(seed).reals(&[1, 3, 8 + (seed % 2) as usize, 10]);
        right(&session, &input).map_err(|error| format!("{error:?}"))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|seed| scope.spawn(move || run(seed))).collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked".to_owned())??;
        }
        Ok(())
    })
}

fn threads() -> Outcome {
    for threads in [1, 4] {
        let cpu = Cpu::builder().threads(threads).build()?;
        assert_eq!(cpu.threads(), threads);
        assert!(cpu.to_string().starts_with(&format!("CPU ({threads} thread")), "{cpu}");
    }
    assert!(Cpu::builder().threads(0).build().is_err());
    assert!(Cpu::new().threads() > 0);
    Ok(())
}
