//! Operators that a program brings along.

use prost::Message;

use super::super::proto::{ModelProto, NodeProto};
use super::super::{Model, Options, Shapes};
use super::{int, model, node};
use crate::error::{Error, Result};
use crate::ops::{CustomOp, CustomOperator, Expected};
use crate::{Backend, Session};

/// Adds a number to all its inputs' sum.
#[derive(Debug)]
struct Shifted(f64);

impl CustomOperator for Shifted {
    fn name(&self) -> &'static str {
        "shifted"
    }

    fn inputs(&self) -> std::ops::RangeInclusive<usize> {
        1..=3
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![inputs[0].to_vec()])
    }

    fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
        let sum = inputs
            .iter()
            .skip(1)
            .fold(inputs[0].values.clone(), |sum, input| sum + &input.values);
        Some(vec![Expected::exact(sum + self.0)])
    }
}

fn shifted(inputs: &[&str], output: &str, by: i64) -> NodeProto {
    NodeProto {
        domain: "com.example".to_owned(),
        attribute: vec![int("by", by)],
        ..node("Shifted", inputs, output)
    }
}

fn options() -> Options {
    Options::new().operator("com.example", "Shifted", |attributes| {
        let by = attributes.int("by", 0)?;
        if by < 0 {
            return Err(Error::InvalidArgument {
                operator: "shifted",
                message: format!("expected a shift of 0 or more, but got {by}"),
            });
        }
        Ok(CustomOp::new(Shifted(by as f64)))
    })
}

/// What a model gives for an `x` of zeros.
fn output(model: &ModelProto, options: &Options) -> Result<f32> {
    let model = Model::from_bytes_with(&model.encode_to_vec(), options)?;
    let session = Session::new(model.graph(&Shapes::new())?, &Backend::Reference)?;
    let outputs = session.run(&[ndarray::Array4::<f32>::zeros((1, 2, 6, 8)).into_dyn().view()])?;
    Ok(outputs[0][[0, 0, 0, 0]])
}

#[test]
fn nodes_become_what_the_program_makes_of_them() {
    let nodes = vec![
        shifted(&["x"], "a", 3),
        node("Neg", &["a"], "b"),
        shifted(&["a", "b", "a"], "y", 4),
    ];
    let of = |nodes: Vec<NodeProto>| model(nodes, vec![]);
    assert_eq!(output(&of(nodes.clone()), &options()).unwrap(), 7.0);
    // Without it, with what it does not take or was not read, or under another domain.
    let message = |nodes: Vec<NodeProto>, options: &Options| output(&of(nodes), options).unwrap_err().to_string();
    assert!(message(nodes, &Options::new()).contains("2 x com.example.Shifted: domain \"com.example\""));
    let refused = message(vec![shifted(&["x"], "y", -1)], &options());
    assert!(
        refused.contains("shift of 0 or more, but got -1") && refused.contains("com.example.Shifted"),
        "{refused}"
    );
    let mut surplus = shifted(&["x"], "y", 1);
    surplus.attribute.push(int("twice", 1));
    assert!(message(vec![surplus], &options()).contains("attribute \"twice\""));
    let refused = message(vec![shifted(&["x", "x", "x", "x"], "y", 1)], &options());
    assert!(refused.contains("expected 1 to 3 inputs, but got 4"), "{refused}");
    assert!(message(vec![shifted(&["x", "", "x"], "y", 1)], &options()).contains("input 1 is missing"));
    assert!(message(vec![node("Shifted", &["x"], "y")], &options()).contains("no such operator"));
}

/// One of ONNX's own names is the program's where it says so.
#[test]
fn an_operator_of_onnx_may_be_replaced() {
    let relu = model(vec![node("Relu", &["x"], "y")], vec![]);
    let replaced = Options::new().operator("ai.onnx", "Relu", |_| Ok(CustomOp::new(Shifted(9.0))));
    assert_eq!(output(&relu, &replaced).unwrap(), 9.0);
    assert_eq!(output(&relu, &Options::new()).unwrap(), 0.0);
}
