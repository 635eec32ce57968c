//! Operators of ONNX Runtime's own domain, held against ONNX's that they are made of.

use ndarray::{ArrayD, array};

use super::super::proto::{ModelProto, NodeProto};
use super::{initializer, model, node, output, refusal};

/// A node of ONNX Runtime's domain.
fn of_microsoft(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        domain: "com.microsoft".to_owned(),
        ..node(operator, inputs, output)
    }
}

/// These nodes of constants `a` and `b`.
fn of(nodes: Vec<NodeProto>, a: ArrayD<f32>, b: ArrayD<f32>) -> ModelProto {
    let mut model = model(nodes, vec![initializer("a", a), initializer("b", b)]);
    model.opset_import[0].version = 20;
    model
}

#[test]
fn gelus_with_a_bias() {
    let (a, b) = (array![[-1.5, 0.5], [2.0, -0.25]].into_dyn(), array![0.25, -1.0].into_dyn());
    let plain = of(
        vec![node("Add", &["a", "b"], "s"), node("Gelu", &["s"], "y")],
        a.clone(),
        b.clone(),
    );
    let fused = of(vec![of_microsoft("BiasGelu", &["a", "b"], "y")], a.clone(), b.clone());
    assert_eq!(output(&fused), output(&plain));
    let fused = of(vec![of_microsoft("Gelu", &["a"], "y")], &a + &b, b.clone());
    assert_eq!(output(&fused), output(&plain));

    let mut tanh = plain;
    let gelu = &mut tanh.graph.as_mut().unwrap().node[1];
    gelu.attribute.push(super::text("approximate", "tanh"));
    let fused = of(vec![of_microsoft("FastGelu", &["a", "b"], "y")], a.clone(), b.clone());
    assert_eq!(output(&fused), output(&tanh));
    let fused = of(vec![of_microsoft("FastGelu", &["a"], "y")], &a + &b, b);
    assert_eq!(output(&fused), output(&tanh));
}

#[test]
fn quick_gelu() {
    let a = array![-1.0_f32, 0.0, 2.0].into_dyn();
    let got = output(&of(vec![of_microsoft("QuickGelu", &["a"], "y")], a.clone(), a.clone()));
    for (got, &x) in got.iter().zip(&a) {
        let want = x / (1.0 + (-1.702 * x).exp());
        assert!((got - want).abs() < 1e-6, "{got} for {want}");
    }
}

#[test]
fn operators_of_other_domains_are_not_taken_for_onnx() {
    let message = refusal(&of(
        vec![of_microsoft("Relu", &["a"], "y")],
        array![1.0].into_dyn(),
        array![1.0].into_dyn(),
    ));
    assert!(message.contains("1 x com.microsoft.Relu: no such operator"), "{message}");
    let mut nested = of_microsoft("If", &["a"], "y");
    nested.domain = "com.example".to_owned();
    let message = refusal(&of(vec![nested], array![1.0].into_dyn(), array![1.0].into_dyn()));
    assert!(message.contains("domain \"com.example\""), "{message}");
}
