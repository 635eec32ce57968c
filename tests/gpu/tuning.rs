//! Tuning plans: obeyed where they name a layer, by the kernels that run; right whatever they say; and refused where they
//! cannot be obeyed.

use convoke::gpu::{Conv2dAlgorithm, DeviceClass, TunedLayer, TuningPlan};
use convoke::graph::Graph;
use convoke::ops::{Conv2d, Flatten, Linear, MatMul, Unary};
use convoke::testing::{Random, compare};
use convoke::{Backend, Error, Gpu, Session};
use ndarray::ArrayD;

use crate::{Named, Outcome, trial};

const SHAPE: [usize; 4] = [1, 3, 14, 12];

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("tuning/obeyed", obeyed),
        trial("tuning/refusals", refusals),
        trial("tuning/large_tiles", large_tiles),
        trial("tuning/eager", eager),
    ]
}

/// A 3x3 convolution with what is fused to it, a pointwise one, a linear layer and a product of two tensors.
fn graph() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(3));
    let image = graph.input("image");
    let weight = graph.constant("conv.weight", random.reals(&[8, 3, 3, 3]));
    let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight])?;
    let features = graph.node("relu", Unary::Relu, &[features])?;
    let weight = graph.constant("point.weight", random.reals(&[5, 8, 1, 1]));
    let features = graph.node("point", Conv2d::new(), &[features, weight])?;
    let right = graph.constant("right", random.reals(&[12, 9]));
    let product = graph.node("product", MatMul, &[features, right])?;
    let flat = graph.node("flat", Flatten::default(), &[product])?;
    let weight = graph.constant("fc.weight", random.reals(&[7, 5 * 14 * 9]));
    let sums = graph.node("fc", Linear, &[flat, weight])?;
    graph.output(sums)?;
    Ok(graph)
}

fn image() -> ArrayD<f32> {
    Random::new(4).reals(&SHAPE)
}

/// A plan that names these nodes of the graph.
fn plan(gpu: &Gpu, choices: &[(&str, &str)]) -> Result<TuningPlan, Box<dyn std::error::Error>> {
    let session = Session::new(graph()?, &Backend::Gpu(gpu.clone()))?;
    let layers = session.kernel_choices(&[&SHAPE])?;
    let mut plan = TuningPlan::new(gpu);
    for (node, choice) in choices {
        let layer = layers.iter().find(|layer| layer.node == *node).ok_or("no such node")?;
        plan.layers.push(TunedLayer::new(layer.layer, choice.parse()?));
    }
    Ok(plan)
}

/// Each choice runs the kernels that it names, in the layer that it names and in no other, with right answers; also where the
/// plan is of another class of device.
fn obeyed(gpu: &Gpu) -> Outcome {
    let image = image();
    let plain = Session::new(graph()?, &Backend::Gpu(gpu.clone()))?;
    let answers = plain.answers(&[image.view()])?;
    let by_rule = plain.kernel_choices(&[&SHAPE])?;
    let nodes: Vec<&str> = by_rule.iter().map(|layer| layer.node.as_str()).collect();
    if nodes != ["conv", "point", "product", "fc"] || by_rule.iter().any(|layer| layer.is_tuned) {
        return Err(format!("{by_rule:?}").into());
    }
    for (node, choice, kernels) in [
        ("conv", "direct", &["conv2d_direct"][..]),
        ("conv", "winograd gemm", &["winograd_input", "gemm", "winograd_output"]),
        ("conv", "tiled 32x32 splits=2", &["conv2d_tiled_quads", "sum_splits"]),
        ("point", "gemm", &["gemm"]),
        ("point", "gemm_tiled 32x128 splits=1", &["gemm_tiled_quads"]),
        ("point", "direct", &["conv2d_direct"]),
        ("fc", "gemv_rows", &["gemv_rows"]),
        ("fc", "gemm_tiled 64x64 splits=3", &["gemm_tiled_columns", "sum_splits"]),
        // The left operand is packed in every run.
        ("product", "gemm", &["pack_weights", "gemm"]),
        ("product", "matmul", &["matmul"]),
    ] {
        for class in DeviceClass::ALL {
            let mut plan = plan(gpu, &[(node, choice)])?;
            plan.adapter.class = class;
            let session = tuned(gpu.clone(), &plan)?;
            for (got, by_rule) in session.kernel_choices(&[&SHAPE])?.iter().zip(&by_rule) {
                let is_named = got.node == node;
                let wanted = if is_named {
                    choice.to_owned()
                } else {
                    by_rule.choice.to_string()
                };
                if got.is_tuned != is_named || got.choice.to_string() != wanted {
                    return Err(format!("{got:?}, want {wanted}").into());
                }
            }
            let outputs = session.run(&[image.view()])?;
            compare(&outputs[0], &answers[0]).map_err(|mismatch| format!("{node} by {choice} of {class:?}: {mismatch}"))?;
            if class != DeviceClass::Software {
                continue;
            }
            let profile = session.profile(&[image.view()], 1)?;
            let layer = profile.layers.iter().find(|layer| layer.node == node).ok_or("no layer")?;
            let ran: Vec<&str> = layer.kernels.iter().map(|kernel| kernel.name).collect();
            if ran != kernels {
                return Err(format!("{node} by {choice}: {ran:?} ran, want {kernels:?}").into());
            }
        }
    }
    // Other shapes follow the rules.
    let session = tuned(gpu.clone(), &plan(gpu, &[("conv", "direct")])?)?;
    let twice = session.kernel_choices(&[&[2, 3, 14, 12]]);
    match twice {
        Ok(choices) if choices.iter().all(|layer| !layer.is_tuned) => {}
        // Flattening leaves the linear layer what it is.
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}

fn tuned(backend: impl Into<Backend>, plan: &TuningPlan) -> convoke::Result<Session> {
    let graph = graph().map_err(|error| Error::Gpu(error.to_string()))?;
    Session::builder().backend(backend).tuning(plan).build(graph)
}

/// What cannot be obeyed is an error before anything runs, and never another kernel.
fn refusals(gpu: &Gpu) -> Outcome {
    for (node, choice, reason) in [
        ("conv", "gemm", "1x1 kernel"),
        ("conv", "tiled 64x64 splits=9", "splits=9: sums of 27 terms"),
        ("point", "winograd gemm", "3x3 kernel"),
        ("fc", "direct", "linear layers"),
    ] {
        let plan = plan(gpu, &[(node, choice)])?;
        match tuned(gpu.clone(), &plan) {
            Err(Error::Unsupported { message, .. }) if message.contains(reason) && message.contains("the layer ") => {}
            other => return Err(format!("{node} by {choice}: {other:?}").into()),
        }
    }
    let good = plan(gpu, &[("conv", "direct")])?;
    let mut twice = good.clone();
    twice.layers.push(twice.layers[0].clone());
    match gpu.with_tuning(&twice) {
        Err(Error::InvalidArgument { message, .. }) if message.contains("came twice: conv2d 1x3x14x12") => {}
        other => return Err(format!("{other:?}").into()),
    }
    for backend in [Backend::Reference, Backend::cpu()] {
        let session = Session::new(graph()?, &backend)?;
        let refused = matches!(session.kernel_choices(&[&SHAPE]), Err(Error::Unsupported { .. }));
        if !refused || !matches!(tuned(backend.clone(), &good), Err(Error::Unsupported { .. })) {
            return Err(format!("{backend}").into());
        }
    }
    // A device without subgroups of eight.
    let broadcast = plan(gpu, &[("conv", "direct_broadcast")])?;
    let has_subgroups = gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8;
    match (gpu.with_tuning(&broadcast), has_subgroups) {
        (Ok(_), true) => Ok(()),
        (Err(Error::Unsupported { message, .. }), false) if message.contains("subgroups") => Ok(()),
        (other, _) => Err(format!("{other:?}").into()),
    }
}

/// Winograd's larger tiles are taken where they are allowed and nowhere else, within bounds that say so.
fn large_tiles(gpu: &Gpu) -> Outcome {
    let (mut random, shape) = (Random::new(6), [1, 64, 28, 28]);
    let mut graph = Graph::new();
    let image = graph.input("image");
    let weight = graph.constant("weight", random.reals(&[64, 64, 3, 3]));
    let conv = graph.node("conv", Conv2d::new().padding(1), &[image, weight])?;
    graph.output(conv)?;
    let image = random.reals(&shape);
    let session = |gpu: &Gpu| Session::new(graph.clone(), &gpu.clone().into());
    let choice = |session: &Session| -> convoke::Result<String> { Ok(session.kernel_choices(&[&shape])?[0].choice.to_string()) };
    let (small, large) = (session(gpu)?, session(&gpu.with_large_tiles())?);
    if choice(&small)?.contains("winograd_large") {
        return Err("larger tiles than were allowed".into());
    }
    // Adapters without subgroups of eight compute by the definition.
    if choice(&small)?.starts_with("winograd") {
        assert!(choice(&large)?.starts_with("winograd_large"), "{}", choice(&large)?);
    }
    // A plan may name them where they are allowed, whatever the rule.
    let mut plan = TuningPlan::from_json(
        r#"{"format": "convoke tuning plan 1", "convoke": "0.1.0",
            "adapter": {"name": "", "backend": "", "driver": "", "class": "software"}, "layers": []}"#,
    )?;
    let layer = small.kernel_choices(&[&shape])?[0].layer;
    plan.layers = vec![TunedLayer::new(layer, "winograd_large gemm".parse()?)];
    match gpu.with_tuning(&plan) {
        Err(Error::Unsupported { message, .. }) if message.contains("with_large_tiles") => {}
        other => return Err(format!("a plan with larger tiles than are allowed: {other:?}").into()),
    }
    let planned = session(&gpu.with_large_tiles().with_tuning(&plan)?)?;
    assert_eq!(choice(&planned)?, "winograd_large gemm");
    // Within bounds that are wider: by 484 to 64, and more at edges, where windows have less in them than tiles.
    let (narrow, wide) = (small.answers(&[image.view()])?, large.answers(&[image.view()])?);
    for (narrow, wide) in narrow[0].bound.iter().zip(&wide[0].bound) {
        if !(1.0..40.0).contains(&(wide / narrow)) {
            return Err(format!("a bound of {wide} beside {narrow}").into());
        }
    }
    let mut outputs = Vec::new();
    for session in [&small, &large, &planned] {
        let output = session.run(&[image.view()])?.swap_remove(0);
        compare(&output, &session.answers(&[image.view()])?[0])?;
        let checks = session.verify(&[image.view()])?;
        if let Some(wrong) = checks.iter().find(|check| check.mismatch.is_some()) {
            return Err(format!("{wrong:?}").into());
        }
        outputs.push(output);
    }
    assert_ne!(outputs[0], outputs[2], "other sums");
    Ok(())
}

/// A weight that may change is another layer; a plan can name that, and an algorithm that is forced goes before it.
fn eager(gpu: &Gpu) -> Outcome {
    let (mut random, op) = (Random::new(5), Conv2d::new());
    let [input, weight] = [random.reals(&[1, 4, 5, 6]), random.reals(&[3, 4, 2, 1])];
    let json = |varies: &str| {
        let layer = format!(
            r#"{{"operator": "conv2d", "input": [1, 4, 5, 6], "out_channels": 3, "kernel": [2, 1], "stride": [1, 1],
                "padding": [0, 0, 0, 0], "dilation": [1, 1], "groups": 1{varies}}}"#
        );
        format!(
            r#"{{"format": "convoke tuning plan 1", "convoke": "0.1.0",
                "adapter": {{"name": "", "backend": "", "driver": "", "class": "software"}},
                "layers": [{{"layer": {layer}, "choice": "tiled 32x32 splits=1"}}]}}"#
        )
    };
    let compiled = |gpu: &Gpu| -> Result<usize, Error> {
        let before = gpu.compiled_pipelines();
        gpu.conv2d(&gpu.upload(&input)?, &gpu.upload(&weight)?, None, &op)?
            .read::<f32>()?;
        Ok(gpu.compiled_pipelines() - before)
    };
    // A device of its own: nothing is compiled yet but by these calls.
    let gpu = Gpu::builder().named(&gpu.info().name).build()?;
    compiled(&gpu)?;
    let constant = gpu.with_tuning(&TuningPlan::from_json(&json(""))?)?;
    let varying = gpu.with_tuning(&TuningPlan::from_json(&json(", \"weight_varies\": true"))?)?;
    if !constant.is_tuned() || gpu.is_tuned() || compiled(&constant)? != 0 {
        return Err("a plan for a constant weight concerned another".into());
    }
    if compiled(&varying)? == 0 {
        return Err("a plan for a varying weight was not obeyed".into());
    }
    match compiled(&varying.with_conv2d(Conv2dAlgorithm::Gemm)) {
        Err(Error::Unsupported { message, .. }) if message.contains("Gemm") => {}
        other => return Err(format!("an algorithm that is forced goes before the plan: {other:?}").into()),
    }
    Ok(())
}
