//! Opsets 1 to 6: attributes that were named, written or left out otherwise, as opset 7 has them.

use super::element;
use super::proto::{AttributeProto, GraphProto, NodeProto};
use crate::error::{Error, Result};

/// The first opset whose operators are converted as they are.
pub(super) const FIRST: i64 = 7;

/// `AttributeProto.AttributeType`'s numbers.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const STRING: i32 = 3;
const FLOATS: i32 = 6;

/// Mends the attributes of all nodes, those of graphs in nodes too.
pub(super) fn attributes(graph: &mut GraphProto, opset: i64) -> Result<()> {
    for node in &mut graph.node {
        for graph in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_deref_mut()) {
            attributes(graph, opset)?;
        }
        if matches!(node.domain.as_str(), "" | "ai.onnx") {
            of_node(node, opset)?;
        }
    }
    Ok(())
}

fn of_node(node: &mut NodeProto, opset: i64) -> Result<()> {
    let NodeProto { op_type, attribute, .. } = node;
    // Which inputs may be overwritten.
    attribute.retain(|attribute| attribute.name != "consumed_inputs");
    match op_type.as_str() {
        "Cast" if opset < 6 => number_for_name(attribute)?,
        "Concat" if opset < 4 && find(attribute, "axis").is_none() => attribute.push(AttributeProto {
            i: 1,
            ..new("axis", INT)
        }),
        "Pad" if opset < 2 => {
            if let Some(pads) = find(attribute, "paddings") {
                "pads".clone_into(&mut pads.name);
            }
        }
        "LpPool" | "GlobalLpPool" if opset < 2 => whole_p(attribute)?,
        "Selu" if opset < 6 => {
            for (name, f) in [("alpha", 1.6732), ("gamma", 1.0507)] {
                if find(attribute, name).is_none() {
                    attribute.push(AttributeProto { f, ..new(name, FLOAT) });
                }
            }
        }
        "Upsample" => scales(attribute),
        _ => {}
    }
    Ok(())
}

/// Types had names.
fn number_for_name(attributes: &mut [AttributeProto]) -> Result<()> {
    let Some(to) = find(attributes, "to").filter(|to| to.kind == STRING) else {
        return Ok(());
    };
    let name = String::from_utf8_lossy(&to.s).to_ascii_uppercase();
    let number = element::number_of(&name).ok_or_else(|| Error::Onnx(format!("Cast to {name:?}, which is no element type")))?;
    (to.kind, to.i) = (INT, number.into());
    Ok(())
}

/// The exponent of a norm was a real number.
fn whole_p(attributes: &mut [AttributeProto]) -> Result<()> {
    let Some(p) = find(attributes, "p").filter(|p| p.kind == FLOAT) else {
        return Ok(());
    };
    if p.f.fract() != 0.0 {
        return Err(Error::unsupported("onnx", format!("pooling with a p of {}", p.f)));
    }
    (p.kind, p.i) = (INT, p.f as i64);
    Ok(())
}

/// Each side of images had a scale of its own, and a mode another name.
fn scales(attributes: &mut Vec<AttributeProto>) {
    if let Some(mode) = find(attributes, "mode").filter(|mode| *mode.s == *b"bilinear") {
        mode.s = "linear".into();
    }
    if let [Some(height), Some(width)] = ["height_scale", "width_scale"].map(|name| find(attributes, name).map(|scale| scale.f)) {
        attributes.retain(|attribute| !attribute.name.ends_with("_scale"));
        attributes.push(AttributeProto {
            floats: vec![1.0, 1.0, height, width],
            ..new("scales", FLOATS)
        });
    }
}

fn find<'a>(attributes: &'a mut [AttributeProto], name: &str) -> Option<&'a mut AttributeProto> {
    attributes.iter_mut().find(|attribute| attribute.name == name)
}

fn new(name: &str, kind: i32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        kind,
        ..Default::default()
    }
}
