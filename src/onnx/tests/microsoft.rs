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

/// ONNX Runtime's answer: inputs of all steps are quantised together, and the state anew in each.
#[test]
fn an_lstm_of_weights_of_8_bits() {
    let inputs = ["a", "w", "r", "", "", "", "", "", "ws", "wz", "rs", "rz"];
    let weight: [u8; 16] = [207, 21, 45, 60, 46, 205, 222, 149, 10, 24, 85, 110, 159, 122, 67, 40];
    let of_state: [u8; 16] = [177, 188, 8, 29, 115, 100, 227, 132, 107, 110, 170, 150, 44, 188, 193, 244];
    let matrix = |numbers: [u8; 16]| ArrayD::from_shape_vec(vec![1, 2, 8], numbers.to_vec()).unwrap();
    let constants = vec![
        initializer("a", array![[[0.5_f32, -1.0]], [[1.5, 0.25]]]),
        initializer("w", matrix(weight)),
        initializer("r", matrix(of_state)),
        initializer("ws", array![0.01_f32]),
        initializer("wz", array![128_u8]),
        initializer("rs", array![0.02_f32]),
        initializer("rz", array![120_u8]),
    ];
    let got = output(&model(vec![of_microsoft("DynamicQuantizeLSTM", &inputs, "y")], constants));
    let want = [0.290_397_47, 0.201_973_87, 0.098_718_84, 0.082_310_65];
    assert_eq!(got.shape(), [2, 1, 1, 2]);
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-6, "{got} where ONNX Runtime has {want}");
    }
}
