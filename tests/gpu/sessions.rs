//! Sessions against the reference: small graphs, repeated runs, other shapes, refusals, resident inputs.

use std::path::Path;

use convoke::graph::{Graph, Pass, ValueId};
use convoke::ops::{
    AvgPool2d, BatchNorm, Binary, Concat, Conv2d, Expand, Flatten, Linear, MaxPool2d, Reduce, Slice, Softmax, Transpose, Unary,
};
use convoke::testing::{Random, compare, compare_exact};
use convoke::{Backend, Error, Gpu, Session};
use ndarray::{ArrayD, ArrayViewD};

use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("session/residual", |gpu| agrees(gpu, residual()?, &[&[2, 3, 7, 10]])),
        trial("session/two_outputs", |gpu| agrees(gpu, two_outputs()?, &[&[1, 3, 9, 6]])),
        trial("session/classifier", |gpu| agrees(gpu, classifier()?, &[&[3, 2, 8, 10]])),
        trial("session/two_inputs", |gpu| agrees(gpu, two_inputs()?, &[&[2, 3, 4], &[3, 1]])),
        trial("session/joined", |gpu| agrees(gpu, joined()?, &[&[2, 3, 4]])),
        trial("session/inputs_and_constants_as_outputs", passed_through),
        trial("session/other_shapes", other_shapes),
        trial("session/constants_only", constants_only),
        trial("session/empty_batch", empty_batch),
        trial("session/refusals", refusals),
        trial("session/resident", resident),
        trial("session/passes", passes),
        trial("session/memory", memory),
        #[cfg(feature = "wrong-kernel")]
        trial("session/wrong_kernel", wrong_kernel),
        trial("session/inputs_beside_outputs", inputs_beside_outputs),
        trial("session/joined_in_place", joined_in_place),
        trial("session/steady_state", steady_state),
        trial("session/plans_kept", plans_kept),
        trial("session/pipeline_cache", pipeline_cache),
    ]
}

fn views(arrays: &[ArrayD<f32>]) -> Vec<ArrayViewD<'_, f32>> {
    arrays.iter().map(|array| array.view()).collect()
}

fn conv(graph: &mut Graph, random: &mut Random, name: &str, input: ValueId, weight: [usize; 4]) -> convoke::Result<ValueId> {
    let bias = graph.constant(format!("{name}.bias"), random.reals(&weight[..1]));
    let weight = graph.constant(format!("{name}.weight"), random.reals(&weight));
    graph.node(name, Conv2d::new().padding(1), &[input, weight, bias])
}

/// The input is read again after its branch has come back.
fn residual() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(1));
    let image = graph.input("image");
    let first = conv(&mut graph, &mut random, "first", image, [4, 3, 3, 3])?;
    let first = graph.node("relu", Unary::Relu, &[first])?;
    let second = conv(&mut graph, &mut random, "second", first, [4, 4, 3, 3])?;
    let sum = graph.node("sum", Binary::Add, &[second, first])?;
    let third = conv(&mut graph, &mut random, "third", sum, [3, 4, 3, 3])?;
    let sum = graph.node("whole", Binary::Add, &[third, image])?;
    graph.output(sum)?;
    Ok(graph)
}

/// One trunk, two heads, the trunk an output as well and one head twice.
fn two_outputs() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(2));
    let image = graph.input("image");
    let trunk = conv(&mut graph, &mut random, "trunk", image, [5, 3, 3, 3])?;
    let left = graph.node("left", Unary::Tanh, &[trunk])?;
    let left = graph.node("left.pool", AvgPool2d::new([3, 2]), &[left])?;
    let right = graph.node("right", MaxPool2d::new([2, 3]).stride([1, 2]), &[trunk])?;
    let right = graph.node("right.silu", Unary::Silu, &[right])?;
    for output in [right, trunk, left, right] {
        graph.output(output)?;
    }
    Ok(graph)
}

fn classifier() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(3));
    let image = graph.input("image");
    let features = conv(&mut graph, &mut random, "conv", image, [6, 2, 3, 3])?;
    let mut parameter = |name: &str| {
        let values = random.reals(&[6]);
        let positive = name == "variance";
        graph.constant(name, if positive { values.mapv(|x| x.abs() + 0.25) } else { values })
    };
    let statistics = ["mean", "variance", "weight", "bias"].map(&mut parameter);
    let inputs = [&[features][..], &statistics].concat();
    let features = graph.node("bn", BatchNorm::new(), &inputs)?;
    let features = graph.node("relu", Unary::Relu, &[features])?;
    let features = graph.node("pool", MaxPool2d::new(2), &[features])?;
    let features = graph.node("flatten", Flatten::default(), &[features])?;
    let weight = graph.constant("fc.weight", random.reals(&[10, 6 * 4 * 5]).mapv(|x| x / 11.0));
    let logits = graph.node("fc", Linear, &[features, weight])?;
    let classes = graph.node("softmax", Softmax::new(-1), &[logits])?;
    graph.output(classes)?;
    Ok(graph)
}

/// Constants joined with what changes, before and after it, and each whole used again: were a whole taken for a
/// constant, later runs would go on with the first one's. In between, memory is shared; a mean of none and views
/// go along.
fn joined() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(5));
    let image = graph.input("image");
    let class = graph.constant("class", random.reals(&[2, 1, 4]));
    let active = graph.node("active", Unary::Silu, &[image])?;
    let first = graph.node("first", Concat::new(1), &[class, active])?;
    let first = graph.node("first.tanh", Unary::Tanh, &[first])?;
    let last = graph.node("last", Concat::new(-2), &[first, class, image])?;
    let swapped = graph.node("swapped", Transpose::new([0, 2, 1]), &[last])?;
    let constants = graph.node("constants", Concat::new(0), &[class, class])?;
    let expanded = graph.node("expanded", Expand::new([4, 8, 4]), &[constants])?;
    let rows = graph.node("rows", Slice::new([0], [4]).steps([2]), &[expanded])?;
    let rows = graph.node("rows.swapped", Transpose::new([0, 2, 1]), &[rows])?;
    let sum = graph.node("sum", Binary::Add, &[swapped, rows])?;
    let mean = graph.node("mean", Reduce::mean([1]).keep_dims(true), &[sum])?;
    let view = graph.node("view", Expand::new([1, 2, 1, 8]), &[mean])?;
    graph.output(view)?;
    graph.output(sum)?;
    Ok(graph)
}

fn two_inputs() -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let (left, right) = (graph.input("left"), graph.input("right"));
    let product = graph.node("product", Binary::Mul, &[left, right])?;
    let sum = graph.node("sum", Binary::Add, &[right, product])?;
    graph.output(sum)?;
    Ok(graph)
}

fn inputs(shapes: &[&[usize]], seed: u64) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(seed);
    shapes.iter().map(|shape| random.reals(shape)).collect()
}

/// Within the bound of the reference, the same bits in every run, whatever ran between, awaited or not; and the
/// reference backend gives the reference's values.
fn agrees(gpu: &Gpu, graph: Graph, shapes: &[&[usize]]) -> Outcome {
    let on_cpu = Session::new(graph.clone(), &Backend::Reference)?;
    let session = Session::new(graph, &gpu.clone().into())?;
    let mut first_run = Vec::new();
    for seed in [1, 2, 1, 3, 1] {
        let inputs = inputs(shapes, seed);
        let outputs = session.run(&views(&inputs))?;
        let answers = session.answers(&views(&inputs))?;
        assert_eq!(outputs.len(), session.outputs().len());
        for (output, answer) in outputs.iter().zip(&answers) {
            compare(output, answer).map_err(|error| format!("seed {seed} on {}: {error}", gpu.info()))?;
        }
        let awaited = pollster::block_on(session.run_async(&views(&inputs)))?;
        assert_eq!(outputs, awaited);
        if seed == 1 {
            if first_run.is_empty() {
                first_run.clone_from(&outputs);
            }
            assert_eq!(outputs, first_run, "the first input again");
        } else {
            assert_ne!(outputs, first_run, "another input gives other outputs");
        }
        for (output, answer) in on_cpu.run(&views(&inputs))?.iter().zip(&answers) {
            compare_exact(output, &answer.to_f32())?;
        }
    }
    Ok(())
}

/// Values that no kernel writes can be outputs too, under another shape as well.
fn passed_through(gpu: &Gpu) -> Outcome {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let constant = graph.constant("constant", Random::new(1).integers(&[2, 3]));
    let flat = graph.node("flat", Flatten::new(0, -1), &[image])?;
    let relu = graph.node("relu", Unary::Relu, &[flat])?;
    for output in [constant, flat, relu, image, constant] {
        graph.output(output)?;
    }
    agrees(gpu, graph, &[&[2, 1, 3, 5]])
}

/// New shapes are planned once; the old plan is still there.
fn other_shapes(gpu: &Gpu) -> Outcome {
    let session = Session::new(residual()?, &gpu.clone().into())?;
    let mut before = Vec::new();
    for shape in [[1, 3, 5, 8], [2, 3, 5, 8], [1, 3, 11, 4], [1, 3, 5, 8]] {
        let inputs = inputs(&[&shape], 4);
        let outputs = session.run(&views(&inputs))?;
        assert_eq!(outputs[0].shape(), shape);
        compare(&outputs[0], &session.answers(&views(&inputs))?[0])?;
        before.push(outputs);
    }
    assert_eq!(before[0], before[3]);
    Ok(())
}

/// A graph whose nodes see constants alone is computed once, before the first run, and read in every one.
fn constants_only(gpu: &Gpu) -> Outcome {
    let (mut graph, mut random) = (Graph::new(), Random::new(5));
    let image = graph.constant("image", random.reals(&[1, 3, 6, 7]));
    let conv = conv(&mut graph, &mut random, "conv", image, [2, 3, 3, 3])?;
    let relu = graph.node("relu", Unary::Relu, &[conv])?;
    let scale = graph.input("scale");
    let scaled = graph.node("scaled", Binary::Mul, &[relu, scale])?;
    graph.output(relu)?;
    graph.output(scaled)?;
    agrees(gpu, graph, &[&[1, 2, 1, 1]])
}

fn empty_batch(gpu: &Gpu) -> Outcome {
    let session = Session::new(two_outputs()?, &gpu.clone().into())?;
    let empty = [ArrayD::zeros(vec![0, 3, 9, 6])];
    let outputs = session.run(&views(&empty))?;
    assert_eq!(outputs[1].shape(), [0, 5, 9, 6]);
    assert_eq!(pollster::block_on(session.run_async(&views(&empty)))?, outputs);
    session.resident(&views(&empty))?.run()?;
    Ok(())
}

fn refusals(gpu: &Gpu) -> Outcome {
    for backend in [gpu.clone().into(), Backend::Reference] {
        let session = Session::new(residual()?, &backend)?;
        let image = ArrayD::zeros(vec![1, 3, 5, 8]);
        let narrow = ArrayD::zeros(vec![1, 4, 5, 8]);
        for (inputs, parts) in [
            (vec![], ["expected 1 inputs", "image"]),
            (vec![image.view(), image.view()], ["expected 1 inputs", "got 2"]),
            (vec![narrow.view()], ["conv2d", "\"first\""]),
        ] {
            for outcome in [session.run(&inputs), pollster::block_on(session.run_async(&inputs))] {
                let Err(error @ Error::InvalidArgument { .. }) = outcome else {
                    return Err(format!("{} inputs on {backend}: {outcome:?}", inputs.len()).into());
                };
                let message = error.to_string();
                assert!(parts.iter().all(|part| message.contains(part)), "{message}");
            }
        }
        // What was refused leaves the session as it was.
        session.run(&[image.view()])?;
        assert!(matches!(
            Session::new(Graph::new(), &backend),
            Err(Error::InvalidArgument { .. })
        ));
    }
    let session = Session::new(residual()?, &Backend::Reference)?;
    let image = ArrayD::<f32>::zeros(vec![1, 3, 5, 8]);
    assert!(matches!(session.resident(&[image.view()]), Err(Error::Unsupported { .. })));
    Ok(())
}

fn resident(gpu: &Gpu) -> Outcome {
    let session = Session::new(two_outputs()?, &gpu.clone().into())?;
    let inputs = inputs(&[&[1, 3, 9, 6]], 6);
    let resident = session.resident(&views(&inputs))?;
    for _ in 0..3 {
        resident.run()?;
    }
    gpu.wait()?;
    let outputs = resident.read()?;
    for (output, answer) in outputs.iter().zip(&session.answers(&views(&inputs))?) {
        compare(output, answer)?;
    }
    assert_eq!(outputs, session.run_tensors(&views(&inputs))?);
    Ok(())
}

/// No passes, each alone and all: the reference runs the graph as it is and bounds them all.
fn passes(gpu: &Gpu) -> Outcome {
    let mut choices: Vec<Vec<Pass>> = Pass::ALL.iter().map(|&pass| vec![pass]).collect();
    choices.push(Vec::new());
    choices.push(Pass::ALL.to_vec());
    // Constants then arise when the shapes are known.
    choices.push(Pass::ALL.iter().rev().copied().collect());
    for (graph, shape) in [(residual()?, &[2, 3, 7, 10][..]), (classifier()?, &[3, 2, 8, 10])] {
        let input = Random::new(9).reals(shape);
        for passes in &choices {
            let session = Session::builder().backend(gpu.clone()).passes(passes).build(graph.clone())?;
            let got = session.run(&[input.view()])?;
            let want = session.answers(&[input.view()])?;
            compare(&got[0], &want[0]).map_err(|mismatch| format!("{passes:?}: {mismatch}"))?;
            for check in session.verify(&[input.view()])? {
                assert!(check.mismatch.is_none(), "{passes:?}: {check:?}");
            }
        }
    }
    Ok(())
}

/// A chain of operators needs two buffers at a time, however long it is.
fn memory(gpu: &Gpu) -> Outcome {
    let mut graph = Graph::new();
    let mut value = graph.input("input");
    for index in 0..20 {
        value = graph.node(format!("pool{index}"), MaxPool2d::new(3).stride(1).padding(1), &[value])?;
    }
    graph.output(value)?;
    let session = Session::new(graph, &gpu.clone().into())?;
    let input = Random::new(4).reals(&[1, 3, 100, 130]);
    let memory = session.resident(&[input.view()])?.memory();
    let one = 4 * input.len() as u64;
    assert_eq!(memory.lower_bound, 2 * one);
    assert_eq!(memory.unshared, 19 * one);
    assert!(
        memory.planned >= memory.lower_bound && memory.planned * 100 <= memory.lower_bound * 115,
        "{memory:?}"
    );
    Ok(())
}

/// A pooling whose windows lie one column too far right is named, with the element; nothing else is.
#[cfg(feature = "wrong-kernel")]
fn wrong_kernel(gpu: &Gpu) -> Outcome {
    use convoke::gpu::AdapterChoice;
    use convoke::testing::Mismatch;

    let (mut graph, mut random) = (Graph::new(), Random::new(7));
    let image = graph.input("image");
    let features = conv(&mut graph, &mut random, "conv", image, [4, 3, 3, 3])?;
    let features = graph.node("pool", MaxPool2d::new(2), &[features])?;
    let features = graph.node("tanh", Unary::Tanh, &[features])?;
    graph.output(features)?;
    let inputs = inputs(&[&[2, 3, 7, 10]], 8);
    let named = |gpu: &Gpu| -> convoke::Result<Vec<(String, Option<Mismatch>)>> {
        let checks = Session::new(graph.clone(), &gpu.clone().into())?.verify(&views(&inputs))?;
        let wrong = checks.into_iter().filter(|check| check.mismatch.is_some());
        Ok(wrong.map(|check| (check.node, check.mismatch)).collect())
    };
    assert_eq!(named(gpu)?, []);

    let same_adapter = Gpu::builder().choice(AdapterChoice::Named(gpu.info().name.clone()));
    let shifted = "i32(params.pad_left), i32(params.in_width)=>i32(params.pad_left) + 1, i32(params.in_width)";
    let broken = (same_adapter.clone())
        .wrong_kernel(format!("pool2d_window:{shifted}"))
        .build()?;
    let wrong = named(&broken)?;
    let [(name, Some(Mismatch::Values { index, bound, total, .. }))] = &wrong[..] else {
        return Err(format!("{wrong:?}").into());
    };
    assert_eq!((name.as_str(), index.len(), *bound, *total), ("pool", 4, 0.0, 2 * 4 * 3 * 5));

    // Text that a kernel lacks is an error where that kernel is compiled, a kernel that is not there at once.
    let absent = (same_adapter.clone()).wrong_kernel("pool2d_window:no such text=>x").build()?;
    assert!(matches!(named(&absent), Err(Error::InvalidArgument { .. })));
    assert!(same_adapter.wrong_kernel("no_such_kernel:a=>b").build().is_err());
    Ok(())
}

/// Branches that are joined, and features joined again and again; gives the
/// branches, too.
fn branches(channels: usize) -> convoke::Result<(Graph, Vec<ValueId>)> {
    let (mut graph, mut random) = (Graph::new(), Random::new(8));
    let image = graph.input("image");
    let squeezed = conv(&mut graph, &mut random, "squeeze", image, [channels, 3, 3, 3])?;
    let one = conv(&mut graph, &mut random, "one", squeezed, [2 * channels, channels, 3, 3])?;
    let one = graph.node("one.silu", Unary::Silu, &[one])?;
    let two = conv(&mut graph, &mut random, "two", squeezed, [channels, channels, 3, 3])?;
    let pooled = graph.node("pooled", MaxPool2d::new(3).stride(1).padding(1), &[squeezed])?;
    let mut features = vec![one, two, pooled];
    for index in 0..3 {
        let joined = graph.node(format!("joined{index}"), Concat::new(1), &features)?;
        let active = graph.node(format!("active{index}"), Unary::Tanh, &[joined])?;
        let count = (4 + index) * channels;
        features.push(conv(
            &mut graph,
            &mut random,
            &format!("grown{index}"),
            active,
            [channels, count, 3, 3],
        )?);
    }
    let joined = graph.node("joined", Concat::new(1), &features)?;
    let whole = graph.node("whole", Unary::Abs, &[joined])?;
    graph.output(whole)?;
    Ok((graph, features))
}

/// Parts that are written where they belong give the same bits as parts that are copied, since they are wanted for
/// themselves as well; with shapes that allow it and shapes that do not.
fn joined_in_place(gpu: &Gpu) -> Outcome {
    for (channels, shape, saved) in [
        (2, [1, 3, 8, 16], 3 + 4 + 5 + 6..=18),
        (8, [1, 3, 7, 5], 0..=18),
        (3, [1, 3, 5, 7], 0..=18),
        (2, [2, 3, 8, 16], 0..=0),
    ] {
        let (graph, features) = branches(channels)?;
        let mut apart = graph.clone();
        for feature in features {
            apart.output(feature)?;
        }
        let (graph, apart) = (
            Session::new(graph, &gpu.clone().into())?,
            Session::new(apart, &gpu.clone().into())?,
        );
        for seed in 1..4 {
            let inputs = inputs(&[&shape], seed);
            let got = graph.run(&views(&inputs))?;
            let context = |error| format!("{channels} channels of {shape:?}: {error}");
            compare_exact(&got[0], &apart.run(&views(&inputs))?[0]).map_err(context)?;
            compare(&got[0], &graph.answers(&views(&inputs))?[0]).map_err(context)?;
        }
        let inputs = inputs(&[&shape], 1);
        let dispatches = |session: &Session| session.resident(&views(&inputs)).map(|resident| resident.dispatches());
        let fewer = dispatches(&apart)? - dispatches(&graph)?;
        assert!(saved.contains(&fewer), "{channels} channels of {shape:?}: {fewer} fewer");
    }
    Ok(())
}

/// A large result, then residual blocks, whose dispatches use three small results: near the lower bound only where an input
/// lies in one buffer with an output.
fn inputs_beside_outputs(gpu: &Gpu) -> Outcome {
    let (mut graph, mut random) = (Graph::new(), Random::new(12));
    let image = graph.input("image");
    let stem = conv(&mut graph, &mut random, "stem", image, [8, 3, 3, 3])?;
    let mut value = graph.node("pool", MaxPool2d::new(2), &[stem])?;
    for index in 0..3 {
        let inner = conv(&mut graph, &mut random, &format!("inner{index}"), value, [8, 8, 3, 3])?;
        let inner = graph.node(format!("relu{index}"), Unary::Relu, &[inner])?;
        let outer = conv(&mut graph, &mut random, &format!("outer{index}"), inner, [8, 8, 3, 3])?;
        value = graph.node(format!("sum{index}"), Binary::Add, &[outer, value])?;
    }
    let scaled = graph.node("scaled", Binary::Mul, &[value, value])?;
    let last = graph.node("last", AvgPool2d::new(2), &[scaled])?;
    graph.output(last)?;
    let shape = [1, 3, 32, 64];
    let session = Session::new(graph.clone(), &gpu.clone().into())?;
    let memory = session.resident(&views(&inputs(&[&shape], 1)))?.memory();
    assert!(memory.planned * 100 <= memory.lower_bound * 115, "{memory:?}");
    agrees(gpu, graph, &[&shape])
}

/// The first run makes everything; later ones, awaited or resident too, make no buffer, no pipeline and no bind group.
fn steady_state(_: &Gpu) -> Outcome {
    // A device of its own, on which nobody else makes anything.
    let gpu = Gpu::new()?;
    let shape = [1, 3, 8, 16];
    let session = Session::new(branches(2)?.0, &gpu.clone().into())?;
    let inputs = inputs(&[&shape], 1);
    let every = || -> convoke::Result<()> {
        session.run(&views(&inputs))?;
        pollster::block_on(session.run_async(&views(&inputs)))?;
        let resident = session.resident(&views(&inputs))?;
        resident.run()?;
        resident.read()?;
        Ok(())
    };
    assert_eq!(gpu.counters().bind_groups, 0);
    every()?;
    let made = gpu.counters();
    assert!(made.buffers > 0 && made.pipelines > 0 && made.bind_groups > 0, "{made:?}");
    for _ in 0..3 {
        every()?;
        assert_eq!(gpu.counters(), made);
    }
    Ok(())
}

/// The plan that was used least recently goes; the others are still there.
fn plans_kept(_: &Gpu) -> Outcome {
    let gpu = Gpu::new()?;
    let session = Session::builder().backend(gpu.clone()).keep_plans(2).build(residual()?)?;
    let makes = |width: usize| -> Result<bool, Box<dyn std::error::Error>> {
        let before = gpu.counters().bind_groups;
        let inputs = inputs(&[&[1, 3, 5, width]], 1);
        compare(&session.run(&views(&inputs))?[0], &session.answers(&views(&inputs))?[0])?;
        Ok(gpu.counters().bind_groups > before)
    };
    for (width, is_new) in [
        (4, true),
        (5, true),
        (4, false),
        (6, true),
        (4, false),
        (5, true),
        (4, false),
        (6, true),
    ] {
        assert_eq!(makes(width)?, is_new, "width {width}");
    }
    Ok(())
}

/// A file of pipelines that is missing, whole, cut off or another's changes no answer; only what cannot be written is said.
fn pipeline_cache(gpu: &Gpu) -> Outcome {
    let folder = std::env::temp_dir().join(format!("convoke-pipelines-{}", std::process::id()));
    let file = folder.join("kept").join("pipelines.bin");
    let open = |file: &Path| Gpu::builder().named(&gpu.info().name).pipeline_cache(file).build();
    let input = Random::new(1).reals(&[1, 3, 7, 10]);
    let run = |gpu: &Gpu| -> convoke::Result<ArrayD<f32>> {
        let session = Session::new(residual()?, &gpu.clone().into())?;
        Ok(session.run(&[input.view()])?.swap_remove(0))
    };
    let want = run(gpu)?;
    drop_kept(&folder);
    for case in ["missing", "whole", "cut off", "another's"] {
        match case {
            "cut off" => std::fs::write(&file, &std::fs::read(&file)?[..20])?,
            "another's" => std::fs::write(&file, "convoke pipelines 1\nanother\n0\n")?,
            _ => {}
        }
        let kept = open(&file)?;
        if run(&kept)? != want {
            return Err(format!("other answers with a file that is {case}").into());
        }
        kept.save_pipelines()?;
        drop(kept);
        if std::fs::read(&file)?.len() <= 20 {
            return Err(format!("no file where it was {case}").into());
        }
    }
    let beneath_a_file = file.join("pipelines.bin");
    let saved = open(&beneath_a_file)?.save_pipelines();
    drop_kept(&folder);
    match saved {
        Err(Error::Io { .. }) => Ok(()),
        other => Err(format!("{other:?} for a path below a file").into()),
    }
}

fn drop_kept(folder: &Path) {
    // Where it is missing there is nothing to remove.
    let _ = std::fs::remove_dir_all(folder);
}
