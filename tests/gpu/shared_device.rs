//! A device that the application brings: its own errors stay its own, several GPUs share it, and its loss is told.

use std::sync::{Arc, Mutex, PoisonError};

use convoke::ops::Unary;
use convoke::testing::{Random, compare_exact};
use convoke::{Error, Gpu, Session, gpu::device_descriptor, weights::Weights};
use convoke_digits as digits;
use ndarray::ArrayD;

use crate::device::Outcome;
use crate::{Named, trial};

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("shared_device/the_applications_errors_go_to_the_application", own_errors),
        trial("shared_device/convokes_errors_do_not_go_to_the_application", convokes_errors),
        trial("shared_device/two_on_one_device", two),
        trial("shared_device/a_destroyed_device_is_lost", destroyed),
        trial("shared_device/what_a_plain_device_lacks_is_told", plain_device),
    ]
}

/// The application's device, what its handler heard, and how often it was told of a loss.
struct Application {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
    heard: Arc<Mutex<Vec<String>>>,
    losses: Arc<Mutex<usize>>,
}

fn adapter(gpu: &Gpu) -> Result<wgpu::Adapter, &'static str> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let mut same = adapters
        .into_iter()
        .filter(|adapter| adapter.get_info().name == gpu.info().name);
    same.next().ok_or("the adapter is gone")
}

fn application(gpu: &Gpu) -> Result<Application, Box<dyn std::error::Error>> {
    let adapter = adapter(gpu)?;
    let (device, queue) = pollster::block_on(adapter.request_device(&device_descriptor(&adapter)))?;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        hears.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
    }));
    let losses = Arc::new(Mutex::new(0));
    let counts = Arc::clone(&losses);
    device.set_device_lost_callback(move |_, _| *counts.lock().unwrap_or_else(PoisonError::into_inner) += 1);
    Ok(Application {
        device,
        queue,
        info: adapter.get_info(),
        heard,
        losses,
    })
}

impl Application {
    fn gpu(&self) -> convoke::Result<Gpu> {
        Gpu::from_device(self.device.clone(), self.queue.clone(), &self.info)
    }

    /// Does something wrong on its own account.
    fn mistake(&self) {
        // A buffer of no use is refused.
        let _ = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("the application's"),
            size: 16,
            usage: wgpu::BufferUsages::empty(),
            mapped_at_creation: false,
        });
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An upload, an operator and a read are right.
fn works(gpu: &Gpu, seed: u64) -> Outcome {
    let input = Random::new(seed).integers(&[2, 3, 5]);
    let output = gpu.unary(&gpu.upload(&input)?, Unary::Relu)?.read::<f32>()?;
    compare_exact(&output, &input.mapv(|x| x.max(0.0)))?;
    Ok(())
}

fn own_errors(gpu: &Gpu) -> Outcome {
    let application = application(gpu)?;
    let gpu = application.gpu()?;
    works(&gpu, 1)?;
    application.mistake();
    // Convoke's next call does not return it.
    works(&gpu, 2)?;
    gpu.wait()?;
    let heard = application.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("the application's"), "{heard:?}");
    Ok(())
}

/// Calls that fail, on a device that is gone.
fn convokes_errors(gpu: &Gpu) -> Outcome {
    let application = application(gpu)?;
    let (gpu, other) = (application.gpu()?, application.gpu()?);
    let tensor = gpu.upload(&ArrayD::<f32>::zeros(vec![4]))?;
    application.device.destroy();
    assert!(tensor.read::<f32>().is_err());
    assert!(other.upload(&ArrayD::<f32>::zeros(vec![4])).is_err());
    let heard = application.heard();
    assert!(heard.is_empty(), "{heard:?}");
    Ok(())
}

fn two(gpu: &Gpu) -> Outcome {
    let application = application(gpu)?;
    let gpus = [application.gpu()?, application.gpu()?];
    for seed in 0..3 {
        for gpu in &gpus {
            works(gpu, seed)?;
        }
    }
    // At once, from two threads.
    let outcomes: Vec<Result<(), &str>> = std::thread::scope(|scope| {
        let threads = gpus
            .each_ref()
            .map(|gpu| scope.spawn(|| works(gpu, 7).map_err(|_| "a wrong answer or an error")));
        threads.map(|thread| thread.join().unwrap_or(Err("a panic"))).into()
    });
    assert_eq!(outcomes, [Ok(()), Ok(())]);
    application.mistake();
    assert_eq!(application.heard().len(), 1);
    for gpu in &gpus {
        works(gpu, 9)?;
    }
    Ok(())
}

fn destroyed(other: &Gpu) -> Outcome {
    let application = application(other)?;
    let gpu = application.gpu()?;
    let image = ArrayD::<f32>::zeros(vec![1, 1, 28, 28]);
    let tensor = gpu.upload(&image)?;
    let session = Session::new(
        digits::lenet5().graph(&Weights::open("models/lenet5.safetensors")?)?,
        &gpu.clone().into(),
    )?;
    session.run(&[image.view()])?;
    let late = Session::new(
        digits::lenet5().graph(&Weights::open("models/lenet5.safetensors")?)?,
        &gpu.clone().into(),
    )?;
    application.device.destroy();
    for _ in 0..2 {
        lost("read", tensor.read::<f32>())?;
        lost("upload", gpu.upload(&image))?;
        lost(
            "operator",
            gpu.unary(&tensor, Unary::Relu).and_then(|tensor| tensor.read::<f32>()),
        )?;
        lost("run", session.run(&[image.view()]))?;
        lost("run of what is not compiled", late.run(&[image.view()]))?;
        lost("run_async", pollster::block_on(session.run_async(&[image.view()])))?;
    }
    // The application heard of it by its own handler, and of nothing else.
    let _ = application.device.poll(wgpu::PollType::Poll);
    assert_eq!(*application.losses.lock().unwrap_or_else(PoisonError::into_inner), 1);
    assert_eq!(application.heard(), Vec::<String>::new());

    // A device of convoke's own.
    let own = Gpu::builder().named(gpu.info().name.clone()).build()?;
    let tensor = own.upload(&image)?;
    own.device().destroy();
    lost("read", tensor.read::<f32>())?;
    lost("upload", own.upload(&image))?;
    if gpu.is_lost() && own.is_lost() && !other.is_lost() {
        return Ok(());
    }
    Err("the destroyed devices are lost, and no other one".into())
}

fn lost<T: std::fmt::Debug>(what: &str, outcome: convoke::Result<T>) -> Outcome {
    match outcome {
        Err(Error::DeviceLost(_)) => Ok(()),
        outcome => Err(format!("{what}: expected DeviceLost, got {outcome:?}").into()),
    }
}

/// A device as most programs make it.
fn plain_device(gpu: &Gpu) -> Outcome {
    let adapter = adapter(gpu)?;
    let features = |gpu: &Gpu| {
        gpu.missing_features()
            .iter()
            .map(|missing| missing.feature)
            .fold(wgpu::Features::empty(), wgpu::Features::union)
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let plain = Gpu::from_device(device, queue, &adapter.get_info())?;
    works(&plain, 3)?;
    let missing = features(&plain);
    assert!(
        missing.contains(wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16),
        "{missing:?}"
    );
    assert_eq!(missing.contains(wgpu::Features::SUBGROUP), !plain.info().kind.is_hardware());
    // What is missing from a device as convoke wants it is missing from the adapter.
    let whole = application(gpu)?.gpu()?;
    assert!(
        !features(&whole).intersects(adapter.features()),
        "{:?}",
        whole.missing_features()
    );
    let mut limits = adapter.limits();
    limits.max_compute_invocations_per_workgroup = 64;
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: limits,
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
    match Gpu::from_device(device, queue, &adapter.get_info()) {
        Err(error @ Error::InvalidArgument { .. }) if error.to_string().contains("at least 128, got 64") => Ok(()),
        outcome => Err(format!("{outcome:?}").into()),
    }
}
