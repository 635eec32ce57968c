//! Around the kernels: folded dispatches, empty tensors, foreign and mistyped tensors, views, limits, reused memory,
//! threads and awaiting.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use convoke::graph::Graph;
use convoke::ops::{
    self, AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, Expand, Flatten, Linear, MaxPool2d,
    Op, PRelu, Pad2d, Reduce, Reshape, Softmax, Transpose, Unary,
};
use convoke::testing::{Random, compare, compare_exact};
use convoke::{Error, Gpu, PaddingMode, Session};
use ndarray::{Array3, Array4, ArrayD, Axis, IxDyn, Slice};

use crate::check::{answers, check, check_exact};
use crate::goldens::run;
use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials = vec![
        trial("dispatch/empty", empty),
        trial("dispatch/another_gpu", another_gpu),
        trial("dispatch/element_types", element_types),
        trial("dispatch/views", views),
        trial("dispatch/steady_state", steady_state),
        trial("dispatch/poisoned_memory", poisoned_memory),
        trial("dispatch/few_workgroups", few_workgroups),
        trial("dispatch/small_bindings", small_bindings),
        trial("dispatch/threads", threads),
        trial("dispatch/awaited", awaited),
        trial("dispatch/folded/elements", folded_elements),
    ];
    trials.extend(operators(70_001).into_iter().map(|(op, shapes)| {
        trial(format!("dispatch/many_planes/{}/{}", op.name(), shapes.len()), move |gpu| {
            Ok(check(gpu, &op, &inputs(&op, &shapes, 1))?)
        })
    }));
    trials
}

/// Every operator on so many planes, small ones and not square.
fn operators(batch: usize) -> Vec<(Op, Vec<Vec<usize>>)> {
    let image = vec![batch, 2, 3, 2];
    let channels = vec![2];
    let with = |rest: &[&[usize]]| {
        std::iter::once(image.clone())
            .chain(rest.iter().map(|shape| shape.to_vec()))
            .collect()
    };
    vec![
        (Conv2d::new().padding([1, 0]).into(), with(&[&[3, 2, 3, 2], &[3]])),
        (Conv2d::new().into(), with(&[&[3, 2, 1, 1]])),
        (
            Conv2d::new()
                .groups(2)
                .padding_mode(PaddingMode::Circular)
                .padding([0, 1])
                .into(),
            with(&[&[2, 1, 2, 2]]),
        ),
        (Pad2d::new([0, 1]).mode(PaddingMode::Replicate).into(), with(&[])),
        (MaxPool2d::new([2, 1]).into(), with(&[])),
        (MaxPool2d::new([2, 2]).stride(1).return_indices(true).into(), with(&[])),
        (AvgPool2d::new([3, 1]).into(), with(&[])),
        (AdaptiveAvgPool2d::new([2, 1]).into(), with(&[])),
        (AdaptiveMaxPool2d::new([1, 2]).return_indices(true).into(), with(&[])),
        (Unary::Silu.into(), with(&[])),
        (PRelu.into(), with(&[&channels])),
        (Softmax::new(-2).into(), with(&[])),
        (Linear.into(), with(&[&[3, 2]])),
        (BatchNorm::new().into(), with(&[&channels, &channels, &channels, &channels])),
        (Binary::Add.into(), with(&[&image])),
        (Binary::Mul.into(), with(&[&[2, 1, 2]])),
        (Reshape::new([batch as isize, 3, 4]).into(), with(&[])),
        (Flatten::default().into(), with(&[])),
        (Concat::new(2).into(), with(&[&[batch, 2, 1, 2], &image])),
        (ops::Slice::new([-1], [isize::MIN]).axes([2]).steps([-2]).into(), with(&[])),
        (Transpose::new([0, 2, 3, 1]).into(), with(&[])),
        (Expand::new([3, batch as isize, 2, 3, 2]).into(), with(&[])),
        (Reduce::sum([1, 3]).into(), with(&[])),
        (Reduce::mean([2, 3]).into(), with(&[])),
        (Reduce::max([1]).keep_dims(true).into(), with(&[])),
    ]
}

fn inputs(op: &Op, shapes: &[Vec<usize>], seed: u64) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(seed);
    let mut inputs: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.reals(shape)).collect();
    if matches!(op, Op::BatchNorm(_)) {
        inputs[2].mapv_inplace(|variance| variance.abs() + 0.25);
    }
    inputs
}

/// A device of its own, so that nobody else compiles or allocates on it.
fn own_device() -> convoke::Result<Gpu> {
    Gpu::new()
}

/// A device of the adapter's with lower limits than it could have.
pub(crate) fn limited_device(gpu: &Gpu, limit: impl FnOnce(&mut wgpu::Limits)) -> Result<Gpu, Box<dyn std::error::Error>> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters
        .into_iter()
        .find(|adapter| adapter.get_info().name == gpu.info().name)
        .ok_or("the adapter is gone")?;
    let mut limits = adapter.limits();
    limit(&mut limits);
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("limited"),
        required_features: adapter.features() & wgpu::Features::SUBGROUP,
        required_limits: limits,
        ..Default::default()
    }))?;
    Ok(Gpu::from_device(device, queue, &adapter.get_info())?)
}

/// A batch of 0 gives results of the right shapes, and no kernel is made for them.
fn empty(_: &Gpu) -> Outcome {
    let gpu = own_device()?;
    for (op, shapes) in operators(0) {
        let inputs = inputs(&op, &shapes, 1);
        check_exact(&gpu, &op, &inputs)?;
        let outputs = run(&gpu, &op, &inputs.iter().collect::<Vec<_>>())?;
        assert!(outputs.iter().all(|output| output.shape().contains(&0)), "{op:?}");
    }
    assert_eq!(gpu.compiled_pipelines(), 0);
    let (op, shapes) = operators(1).swap_remove(0);
    check(&gpu, &op, &inputs(&op, &shapes, 1))?;
    assert!(gpu.compiled_pipelines() > 0);
    Ok(())
}

fn another_gpu(gpu: &Gpu) -> Outcome {
    let other = own_device()?;
    let ours = gpu.upload(&Array3::<f32>::ones((1, 2, 3)))?;
    let theirs = other.upload(&Array3::<f32>::ones((1, 2, 3)))?;
    for outcome in [
        gpu.add(&ours, &theirs),
        gpu.add(&theirs, &ours),
        other.unary(&ours, Unary::Relu),
        gpu.reshape(&theirs, &[-1]),
    ] {
        assert!(matches!(outcome, Err(Error::InvalidArgument { .. })), "{outcome:?}");
    }
    // A clone is the same GPU, with an algorithm forced or not.
    gpu.clone()
        .with_conv2d(convoke::gpu::Conv2dAlgorithm::Direct)
        .add(&ours, &ours)?;
    Ok(())
}

fn element_types(gpu: &Gpu) -> Outcome {
    let image = gpu.upload(&Array4::<f32>::ones((1, 2, 4, 6)))?;
    let (values, indices) = gpu.max_pool2d_with_indices(&image, &MaxPool2d::new(2))?;
    assert_eq!(values.dtype(), convoke::DType::F32);
    assert_eq!(indices.dtype(), convoke::DType::I64);
    assert!(matches!(values.read::<i64>(), Err(Error::InvalidArgument { .. })));
    assert!(matches!(indices.read::<f32>(), Err(Error::InvalidArgument { .. })));
    assert_eq!(indices.read::<i64>()?.iter().copied().max(), Some(16));
    assert_eq!(
        gpu.reshape(&indices, &[-1])?.read::<i64>()?,
        indices.read::<i64>()?.flatten().into_dyn()
    );
    for outcome in [
        gpu.add(&values, &indices),
        gpu.unary(&indices, Unary::Exp),
        gpu.conv2d(&values, &indices, None, &Conv2d::new().groups(2)),
    ] {
        assert!(matches!(outcome, Err(Error::InvalidArgument { .. })), "{outcome:?}");
    }
    Ok(())
}

/// Whatever the layout on the host, the elements arrive in the order of their indices.
fn views(gpu: &Gpu) -> Outcome {
    let array = Array3::from_shape_fn((4, 5, 6), |(x, y, z)| (100 * x + 10 * y + z) as f32);
    let arrives = |view: ndarray::ArrayView3<'_, f32>| -> Outcome {
        let got = gpu.upload(&view)?.read::<f32>()?;
        Ok(compare_exact(&got, &view.to_owned().into_dyn())?)
    };
    arrives(array.view())?;
    arrives(array.t())?;
    arrives(array.view().permuted_axes([1, 2, 0]))?;
    let slice = |axis: usize, slice: Slice| array.slice_axis(Axis(axis), slice);
    arrives(slice(0, Slice::new(1, None, 2)))?;
    arrives(slice(1, Slice::new(0, None, -1)))?;
    arrives(slice(2, Slice::from(2..5)).reversed_axes())?;
    arrives(slice(1, Slice::from(1..2)).broadcast((4, 3, 6)).ok_or("broadcasts")?)?;
    arrives(slice(1, Slice::from(2..2)))?;
    let scalar = ndarray::arr0(2.5_f32);
    assert_eq!(gpu.upload(&scalar)?.read::<f32>()?, scalar.into_dyn());
    Ok(())
}

/// From the second run on, no pipeline is made.
fn steady_state(_: &Gpu) -> Outcome {
    let gpu = own_device()?;
    let every = |gpu: &Gpu| -> Outcome {
        for (op, shapes) in operators(2) {
            check(gpu, &op, &inputs(&op, &shapes, 1))?;
        }
        Ok(())
    };
    every(&gpu)?;
    let compiled = gpu.compiled_pipelines();
    for _ in 0..20 {
        every(&gpu)?;
    }
    assert_eq!(gpu.compiled_pipelines(), compiled);
    Ok(())
}

/// Buffers come back from the pool full of NaN. A kernel that reads past its input or leaves an output unwritten shows
/// it, and one that writes into an input changes it.
fn poisoned_memory(_: &Gpu) -> Outcome {
    let gpu = own_device()?;
    for batch in [1, 3] {
        for (op, shapes) in operators(batch) {
            let poison: Vec<_> = (1..=24)
                .flat_map(|bytes| std::iter::repeat_n(bytes * 64 / 4, 5))
                .map(|elements| gpu.upload(&ArrayD::from_elem(IxDyn(&[elements]), f32::NAN)))
                .collect::<convoke::Result<_>>()?;
            gpu.wait()?;
            drop(poison);
            let arrays = inputs(&op, &shapes, 2);
            let tensors = arrays
                .iter()
                .map(|array| gpu.upload(array))
                .collect::<convoke::Result<Vec<_>>>()?;
            let outputs = gpu.run(&op, &tensors.iter().collect::<Vec<_>>())?;
            compare(&outputs[0].read::<f32>()?, &answers(&op, &arrays)?[0]).map_err(|error| format!("{op:?}: {error}"))?;
            for (tensor, array) in tensors.iter().zip(&arrays) {
                compare_exact(&tensor.read::<f32>()?, array).map_err(|error| format!("{op:?} wrote to an input: {error}"))?;
            }
        }
    }
    Ok(())
}

/// At most 7 workgroups a dimension: every operator is folded, computes rightly up to 49 and refuses more.
fn few_workgroups(gpu: &Gpu) -> Outcome {
    let gpu = limited_device(gpu, |limits| limits.max_compute_workgroups_per_dimension = 7)?;
    // 24 fold the kernels that work plane by plane, 200 those that work element by element.
    for batch in [1, 4, 11, 24, 200] {
        for (op, shapes) in operators(batch) {
            let inputs = inputs(&op, &shapes, 3);
            let outcome = run(&gpu, &op, &inputs.iter().collect::<Vec<_>>());
            if batch == 200 && matches!(outcome, Err(Error::LimitExceeded { limit: 49, .. })) {
                continue;
            }
            compare(&outcome?[0], &answers(&op, &inputs)?[0]).map_err(|error| format!("{op:?}, batch {batch}: {error}"))?;
        }
    }
    for (op, shapes) in operators(2000) {
        if matches!(op, Op::Reshape(_) | Op::Flatten(_) | Op::Linear(_)) {
            continue;
        }
        let inputs = inputs(&op, &shapes, 4);
        let outcome = run(&gpu, &op, &inputs.iter().collect::<Vec<_>>());
        assert!(
            matches!(outcome, Err(Error::LimitExceeded { limit: 49, .. })),
            "{op:?}: {outcome:?}"
        );
    }
    Ok(())
}

/// Tensors up to the largest binding work, to the last odd element; larger ones are refused before anything is made.
fn small_bindings(gpu: &Gpu) -> Outcome {
    for limit in [4096, 4100, 4104, 4108] {
        let gpu = limited_device(gpu, |limits| {
            limits.max_storage_buffer_binding_size = limit;
            limits.max_buffer_size = 1 << 20;
        })?;
        let mut refused = 0;
        for elements in 1015..1035 {
            let values = ArrayD::from_elem(IxDyn(&[elements]), -1.0_f32);
            match gpu.upload(&values) {
                Ok(tensor) => {
                    assert!(elements as u64 * 4 <= limit);
                    let output = gpu.unary(&tensor, Unary::Relu)?.read::<f32>()?;
                    compare_exact(&output, &ArrayD::<f32>::zeros(IxDyn(&[elements])))?;
                }
                Err(Error::LimitExceeded { limit: stated, .. }) => {
                    assert_eq!(stated, limit);
                    refused += 1;
                }
                Err(error) => return Err(format!("{elements} elements with a limit of {limit}: {error}").into()),
            }
        }
        // No more are refused than do not fit when rounded up to whole vectors.
        assert!((7..=11).contains(&refused), "{refused} with a limit of {limit}");
        // Here the inputs fit and the output does not.
        let image = gpu.upload(&Array4::<f32>::ones((1, 1, 20, 30)))?;
        let outcome = gpu.pad2d(&image, &Pad2d::new(6));
        assert!(matches!(outcome, Err(Error::LimitExceeded { .. })), "{outcome:?}");
        // The device is none the worse for it.
        gpu.pad2d(&image, &Pad2d::new(2))?.read::<f32>()?;
    }
    Ok(())
}

/// Several threads share a GPU, its pipelines and its pool; each gets its own results.
fn threads(_: &Gpu) -> Outcome {
    let gpu = own_device()?;
    let work = |thread: u64| -> Result<(), String> {
        for round in 0..5 {
            for (op, shapes) in operators(1 + (thread as usize + round) % 3) {
                check(&gpu, &op, &inputs(&op, &shapes, 10 * thread + round as u64))?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || work(thread))).collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })
}

/// Polls both until both are done.
async fn join<A: Future, B: Future>(left: A, right: B) -> (A::Output, B::Output) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut left_done, mut right_done) = (None, None);
    std::future::poll_fn(|context| {
        if left_done.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            left_done = Some(output);
        }
        if right_done.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            right_done = Some(output);
        }
        match (left_done.take(), right_done.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                (left_done, right_done) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

/// Two runs of one session under way at once keep their own results.
fn awaited(gpu: &Gpu) -> Outcome {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let weight = graph.constant("weight", Random::new(1).reals(&[4, 3, 3, 2]));
    let conv = graph.node("conv", Conv2d::new().padding(1), &[image, weight])?;
    let relu = graph.node("relu", Unary::Relu, &[conv])?;
    graph.output(relu)?;
    let session = Session::new(graph, &gpu.clone().into())?;
    for seed in 0..5 {
        let mut random = Random::new(seed);
        let (first, second) = (random.reals(&[1, 3, 9, 7]), random.reals(&[1, 3, 9, 7]));
        let (first, second) = ([first.view()], [second.view()]);
        let both = pollster::block_on(join(session.run_async(&first), session.run_async(&second)));
        compare(&both.0?[0], &session.answers(&first)?[0])?;
        compare(&both.1?[0], &session.answers(&second)?[0])?;
        let tensors = (gpu.upload(&first[0])?, gpu.upload(&second[0])?);
        let both = pollster::block_on(join(tensors.0.read_async::<f32>(), tensors.1.read_async::<f32>()));
        compare_exact(&both.0?, &first[0].to_owned())?;
        compare_exact(&both.1?, &second[0].to_owned())?;
    }
    // One that is given up harms nobody.
    let image = Random::new(9).reals(&[1, 3, 9, 7]);
    let inputs = [image.view()];
    let mut given_up = Box::pin(session.run_async(&inputs));
    pollster::block_on(std::future::poll_fn(|context| {
        Poll::Ready(given_up.as_mut().poll(context).is_ready())
    }));
    drop(given_up);
    compare(&session.run(&inputs)?[0], &session.answers(&inputs)?[0])?;
    // One that blocks while another is under way leaves that one's inputs and outputs alone.
    let other = Random::new(10).reals(&[1, 3, 9, 7]);
    let other = [other.view()];
    let mut under_way = Box::pin(session.run_async(&inputs));
    let mut done = pollster::block_on(std::future::poll_fn(|context| Poll::Ready(under_way.as_mut().poll(context))));
    compare(&session.run(&other)?[0], &session.answers(&other)?[0])?;
    if done.is_pending() {
        done = Poll::Ready(pollster::block_on(under_way));
    }
    let Poll::Ready(outputs) = done else {
        return Err("the awaited run has no end".into());
    };
    compare(&outputs?[0], &session.answers(&inputs)?[0])?;
    Ok(())
}

/// More elements than one dimension of workgroups covers, for the kernels that take them one by one or four by four.
fn folded_elements(gpu: &Gpu) -> Outcome {
    // The least number that needs a second row of workgroups, and a few more.
    let elements = 65_535 * 64 * 4 + 259;
    let values: ArrayD<f32> = ArrayD::from_shape_fn(IxDyn(&[elements]), |index| (index[0] % 1001) as f32 - 500.0);
    let input = gpu.upload(&values)?;
    let output = gpu.unary(&input, Unary::Relu)?.read::<f32>()?;
    compare_exact(&output, &values.mapv(|x| x.max(0.0)))?;
    let sum = gpu.add(&input, &input)?.read::<f32>()?;
    compare_exact(&sum, &values.mapv(|x| x + x))?;
    Ok(())
}
