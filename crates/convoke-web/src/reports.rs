//! What a session tells of a model and of its runs, as JavaScript's objects.

use convoke::graph::Graph;
use convoke::profiling::{LayerProfile, Profile};
use convoke::session::Check;
use convoke::{Result, Session};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::tensor::type_name;

/// An object of these properties.
fn object<const PROPERTIES: usize>(properties: [(&str, JsValue); PROPERTIES]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        // An object that was just made takes any property.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

fn numbers(shape: &[usize]) -> JsValue {
    shape
        .iter()
        .map(|&extent| JsValue::from(extent as f64))
        .collect::<Array>()
        .into()
}

/// An operator that was checked.
pub(crate) fn checked(check: &Check) -> JsValue {
    let error = check.mismatch.as_ref().map(|mismatch| JsValue::from(mismatch.to_string()));
    object([
        ("node", check.node.as_str().into()),
        ("operator", check.operator.into()),
        ("dims", numbers(&check.shape)),
        ("ok", check.mismatch.is_none().into()),
        ("error", error.unwrap_or(JsValue::UNDEFINED)),
        ("partOfBound", check.part_of_bound.into()),
        ("suspicious", check.is_suspicious().into()),
    ])
}

/// What a run spends its time on.
pub(crate) fn profiled(profile: &Profile) -> JsValue {
    let milliseconds = |time: std::time::Duration| JsValue::from(time.as_secs_f64() * 1e3);
    let layer = |layer: &LayerProfile| {
        let kernels = layer.kernels.iter().map(|kernel| JsValue::from(kernel.name));
        object([
            ("node", layer.node.as_str().into()),
            ("operator", layer.operator.into()),
            (
                "dims",
                layer.outputs.first().map_or(JsValue::UNDEFINED, |shape| numbers(shape)),
            ),
            ("kernels", kernels.collect::<Array>().into()),
            ("milliseconds", milliseconds(layer.time)),
            ("share", profile.share(layer).into()),
            ("flops", (layer.flops as f64).into()),
            ("bytes", (layer.bytes as f64).into()),
            ("efficiency", profile.efficiency(layer).into()),
        ])
    };
    object([
        ("timing", profile.timing.to_string().into()),
        ("repetitions", profile.repetitions.into()),
        ("layers", profile.layers.iter().map(layer).collect::<Array>().into()),
        ("kernels", milliseconds(profile.kernels())),
        ("dispatches", milliseconds(profile.dispatches)),
        ("run", milliseconds(profile.run)),
        ("gflops", profile.ceilings.gflops.into()),
        ("gbs", profile.ceilings.gbs.into()),
    ])
}

/// What a model computes for these shapes of its inputs.
pub(crate) fn inspected(session: &Session, shapes: &[&[usize]]) -> Result<JsValue> {
    let graph: &Graph = &*session.graph(shapes)?;
    let types = graph.infer(shapes)?;
    let described = |value: convoke::graph::ValueId| {
        let kind = &types[value.index()];
        object([("type", type_name(kind.dtype).into()), ("dims", numbers(&kind.shape))])
    };
    let operators = graph.nodes().iter().map(|node| {
        object([
            ("node", node.name().into()),
            ("operator", node.op().name().into()),
            (
                "inputs",
                node.inputs().iter().copied().map(described).collect::<Array>().into(),
            ),
            (
                "outputs",
                node.outputs().iter().copied().map(described).collect::<Array>().into(),
            ),
        ])
    });
    Ok(object([
        ("operators", operators.collect::<Array>().into()),
        ("flops", (2.0 * graph.multiply_adds(shapes)? as f64).into()),
    ]))
}
