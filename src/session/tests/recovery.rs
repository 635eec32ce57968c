//! Devices that fail: at every call that can, for want of memory, or for good.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use ndarray::{ArrayD, IxDyn};

use crate::error::{Error, Result};
use crate::gpu::{Fault, Gpu};
use crate::graph::Graph;
use crate::ops::{Conv2d, MatMul, Softmax, Unary};
use crate::session::Session;
use crate::testing::{self, Random};

/// A device that no other test has.
fn own() -> Option<Gpu> {
    let gpu = testing::gpu().unwrap()?;
    Some(Gpu::builder().named(&gpu.info().name).build().unwrap())
}

fn graph() -> Graph {
    let (mut graph, mut random) = (Graph::new(), Random::new(1));
    let image = graph.input("image");
    let weight = graph.constant("weight", random.reals(&[4, 2, 3, 3]));
    let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight]).unwrap();
    let active = graph.node("relu", Unary::Relu, &[features]).unwrap();
    let shares = graph.node("softmax", Softmax::new(1), &[active]).unwrap();
    graph.output(shares).unwrap();
    graph.output(active).unwrap();
    graph
}

fn input(width: usize) -> ArrayD<f32> {
    Random::new(2).reals(&[1, 2, 5, width])
}

/// All that a session does: it is made and planned, runs for two shapes, blocking and awaited, stays on the device and is checked.
fn life(gpu: &Gpu) -> Result<Vec<ArrayD<f32>>> {
    let session = Session::new(graph(), &gpu.clone().into())?;
    let mut outputs = session.run(&[input(7).view()])?;
    outputs.extend(pollster::block_on(session.run_async(&[input(8).view()]))?);
    outputs.extend(session.run(&[input(8).view()])?);
    let resident = session.resident(&[input(7).view()])?;
    resident.run()?;
    gpu.wait()?;
    for tensor in resident.read()? {
        outputs.push(tensor.into_array()?);
    }
    assert!(
        session
            .verify(&[input(7).view()])?
            .iter()
            .all(|check| check.mismatch.is_none())
    );
    Ok(outputs)
}

/// Every call of a session's life on a device fails once, on a new device each time so that all of them are made. The session says so,
/// or does what failed again, as with kernels that are compiled ahead; the next one on the device is right, and so is one that was
/// there before. Where the device was lost, both are right on the one that takes its place.
fn each_call_fails_once(fault: Fault) {
    let Some(first) = own() else { return };
    let want = life(&first).unwrap();
    let (mut points, mut told) = (0, 0);
    loop {
        let gpu = own().unwrap();
        let mut bystander = Session::new(graph(), &gpu.clone().into()).unwrap();
        gpu.context.faults.plant(Some((points, fault)));
        let outcome = life(&gpu);
        if gpu.context.faults.is_planted() {
            gpu.context.faults.plant(None);
            assert_eq!(outcome.unwrap(), want);
            break;
        }
        match (&outcome, fault) {
            (Ok(outputs), _) => assert_eq!(*outputs, want, "call {points}"),
            (Err(Error::OutOfMemory(_)), Fault::Memory)
            | (Err(Error::Gpu(_)), Fault::Refusal)
            | (Err(Error::DeviceLost(_)), Fault::Loss) => told += 1,
            (Err(error), _) => panic!("call {points}: {error}"),
        }
        assert_eq!(gpu.is_lost(), fault == Fault::Loss, "call {points}");
        let next = if fault == Fault::Loss {
            bystander = bystander.recover().unwrap();
            gpu.reopened().unwrap()
        } else {
            gpu
        };
        assert_eq!(life(&next).unwrap(), want, "call {points}");
        assert_eq!(bystander.run(&[input(7).view()]).unwrap(), want[..2], "call {points}");
        points += 1;
    }
    println!("{points} calls met with {fault:?}, each once; {told} were told");
    assert!(points > 80 && told > points - 10, "{told} of {points}");
}

#[test]
fn each_call_without_memory_is_told_once_and_spoils_nothing() {
    each_call_fails_once(Fault::Memory);
}

#[test]
fn each_call_that_is_refused_is_told_once_and_spoils_nothing() {
    each_call_fails_once(Fault::Refusal);
}

#[test]
fn a_device_lost_at_any_call_is_told_and_replaced() {
    each_call_fails_once(Fault::Loss);
}

/// The bytes that the process has in memory, where the system tells.
fn resident_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(4096 * pages.split(' ').nth(1)?.parse::<u64>().ok()?)
}

/// A thousand rounds after a hundred that fill what is kept: every tenth loses the device, the others run out of memory or are refused.
/// Run by [`failures_leave_no_memory_behind`] alone.
#[test]
#[ignore = "other tests' memory would count"]
fn a_thousand_failures() {
    let Some(mut gpu) = own() else { return };
    life(&gpu).unwrap();
    let mut random = Random::new(5);
    let mut failed = 0;
    let mut fail = |rounds: usize| {
        for round in 0..rounds {
            let fault = match round % 10 {
                0 => Fault::Loss,
                odd if odd % 2 == 1 => Fault::Memory,
                _ => Fault::Refusal,
            };
            gpu.context.faults.plant(Some((random.below(60), fault)));
            failed += usize::from(life(&gpu).is_err());
            gpu.context.faults.plant(None);
            if gpu.is_lost() {
                gpu = gpu.reopened().unwrap();
            }
        }
        gpu.wait().unwrap();
    };
    fail(100);
    let before = resident_bytes();
    fail(1000);
    println!(
        "{failed} of 1,100 rounds failed; {before:?} bytes became {:?}",
        resident_bytes()
    );
    assert!(failed > 1000, "{failed}");
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        assert!(after < before + (32 << 20), "{before} bytes became {after}");
    }
}

/// A run that is awaited and given up after any number of polls leaves nothing behind that the next one stumbles over.
#[test]
fn runs_dropped_half_way_leave_nothing_mapped() {
    let Some(gpu) = own() else { return };
    let session = Session::new(graph(), &gpu.clone().into()).unwrap();
    let want = session.run(&[input(7).view()]).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut dropped = 0;
    for polls in 0..40 {
        let image = input(7);
        let views = [image.view()];
        let mut run = Box::pin(session.run_async(&views));
        let is_done = (0..polls).any(|_| {
            // On a busy machine a run may be over after the shortest of sleeps.
            if polls % 2 == 1 {
                std::thread::sleep(Duration::from_micros(50));
            }
            run.as_mut().poll(&mut context).is_ready()
        });
        dropped += usize::from(!is_done);
        drop(run);
        assert_eq!(session.run(&[input(7).view()]).unwrap(), want, "after {polls} polls");
        let tensor = gpu.upload(&input(5)).unwrap();
        let (reading, copy) = (tensor.read_async::<f32>(), tensor.clone());
        if polls % 2 == 0 {
            let _ = Box::pin(reading).as_mut().poll(&mut context);
        }
        assert_eq!(copy.read::<f32>().unwrap(), input(5));
    }
    assert!(dropped > 1, "{dropped}");
    let made = gpu.counters();
    for _ in 0..20 {
        let image = input(7);
        let views = [image.view()];
        let mut run = Box::pin(session.run_async(&views));
        let _ = run.as_mut().poll(&mut context);
        drop(run);
        session.run(&[input(7).view()]).unwrap();
    }
    assert!(gpu.counters().buffers <= made.buffers + 20, "{:?} {made:?}", gpu.counters());
}

/// A caller's function that panics ends the caller's call, and nothing else.
#[test]
fn an_observer_that_panics_spoils_nothing() {
    let Some(gpu) = own() else { return };
    let session = Session::new(graph(), &gpu.clone().into()).unwrap();
    let (image, mut seen) = (input(7), 0);
    let views = [image.view()];
    let want = session.run(&views).unwrap();
    let mut panicking = |_: &_| {
        seen += 1;
        assert!(seen < 2, "an observer's own mistake");
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| session.verified_before(&views, &mut panicking).map(drop)));
    assert!(outcome.is_err());
    assert_eq!(session.run(&views).unwrap(), want);
    let checks = session.verify(&views).unwrap();
    assert!(checks.len() == 2 && checks.iter().all(|check| check.mismatch.is_none()));
    assert_eq!(Session::new(graph(), &gpu.into()).unwrap().run(&views).unwrap(), want);
}

#[test]
fn sessions_of_a_lost_device_recover_on_one_device() {
    let Some(gpu) = own() else { return };
    let sessions = [1, 2].map(|_| Session::new(graph(), &gpu.clone().into()).unwrap());
    let run = |session: &Session| session.run(&[input(7).view()]);
    let want = run(&sessions[0]).unwrap();
    assert!(!gpu.is_lost());
    let same = sessions[0].recover().unwrap();
    assert_eq!(run(&same).unwrap(), want);
    gpu.device().destroy();
    for session in &sessions {
        for _ in 0..2 {
            assert!(matches!(run(session), Err(Error::DeviceLost(_))));
        }
        assert!(matches!(
            pollster::block_on(session.run_async(&[input(7).view()])),
            Err(Error::DeviceLost(_))
        ));
    }
    assert!(gpu.is_lost());
    let recovered = sessions.each_ref().map(|session| session.recover().unwrap());
    for session in &recovered {
        assert_eq!(run(session).unwrap(), want);
    }
    let (one, other) = (gpu.reopened().unwrap(), gpu.reopened().unwrap());
    assert!(std::sync::Arc::ptr_eq(&one.context, &other.context) && !one.is_lost());
    // And again.
    one.device().destroy();
    assert_eq!(run(&recovered[0].recover().unwrap()).unwrap(), want);
    let brought = Gpu::from_device(
        gpu.device().clone(),
        gpu.queue().clone(),
        &wgpu::AdapterInfo::new(wgpu::DeviceType::Other, wgpu::Backend::Noop),
    );
    let error = brought.unwrap().reopened().unwrap_err();
    assert!(error.to_string().contains("application"), "{error}");
}

/// Uses up what memory there is while another session works; run by [`a_greedy_session_ends_and_the_modest_one_goes_on`] alone.
#[test]
#[ignore = "needs a process with little memory"]
fn greedy_and_modest() {
    let gpu = own().unwrap();
    let mut modest = Session::new(graph(), &gpu.clone().into()).unwrap();
    let run = |session: &Session| session.run(&[input(7).view()]);
    let want = run(&modest).unwrap();
    let mut graph = Graph::new();
    let matrix = graph.input("matrix");
    let mut value = matrix;
    for _ in 0..64 {
        value = graph.node("product", MatMul, &[value, matrix]).unwrap();
        graph.output(value).unwrap();
    }
    let greedy = Session::new(graph, &gpu.clone().into()).unwrap();
    let outcome = greedy.run(&[ArrayD::ones(IxDyn(&[4096, 4096])).view()]);
    println!("greedy: {}", outcome.unwrap_err());
    assert_eq!(run(&modest).unwrap(), want);
    // And now all that there is, to the last 64 KiB.
    let mut held = Vec::new();
    for bits in (16..26).rev() {
        while let Ok(tensor) = gpu.upload(&ArrayD::<f32>::zeros(vec![1 << bits])) {
            held.push(tensor);
        }
    }
    let meanwhile = run(&modest).err();
    println!(
        "modest beside {} tensors: {meanwhile:?}, device lost: {}",
        held.len(),
        gpu.is_lost()
    );
    drop((greedy, held));
    let begun = Instant::now();
    modest = modest.recover().unwrap();
    assert_eq!(run(&modest).unwrap(), want);
    println!("modest is right again after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// Runs a test in a process of its own, after these commands of the shell.
#[cfg(unix)]
fn alone(before: &str, test: &str) {
    if testing::gpu().unwrap().is_none() {
        return;
    }
    let tests = std::env::current_exe().unwrap();
    let command = format!("{before} exec \"$0\" session::tests::recovery::{test} --exact --ignored --nocapture");
    let output = Command::new("sh").args(["-c", &command]).arg(tests).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_greedy_session_ends_and_the_modest_one_goes_on() {
    alone("ulimit -v 3500000 &&", "greedy_and_modest");
}

#[cfg(unix)]
#[test]
fn failures_leave_no_memory_behind() {
    alone("", "a_thousand_failures");
}
