//! Normalisation by hand, with numbers whose statistics are whole.

use ndarray::{ArrayD, array};

use super::super::proto::{AttributeProto, ModelProto};
use super::{initializer, int, ints, model, node, output, refusal};

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f,
        kind: 1,
        ..Default::default()
    }
}

/// One operator of constants, with `y` among these outputs.
fn one(opset: i64, operator: &str, inputs: &[ArrayD<f32>], attributes: &[AttributeProto], outputs: &[&str]) -> ModelProto {
    let names = &["a", "b", "c"][..inputs.len()];
    let mut node = node(operator, names, "y");
    node.attribute = attributes.to_vec();
    node.output = outputs.iter().map(|&name| name.to_owned()).collect();
    let constants = names.iter().zip(inputs).map(|(name, input)| initializer(name, input.clone()));
    let mut model = model(vec![node], constants.collect());
    model.opset_import[0].version = opset;
    model
}

/// Means of 2 and 5, variances of 1 and 16.
fn rows() -> ArrayD<f32> {
    array![[1.0, 3.0, 1.0, 3.0], [1.0, 9.0, 9.0, 1.0]].into_dyn()
}

#[test]
fn layer_norms() {
    let weight = array![1.0, 2.0, 3.0, 4.0].into_dyn();
    let bias = array![[0.5]].into_dyn();
    let inputs = [rows(), weight.clone(), bias];
    let of = |axis: i64, outputs: &[&str]| {
        output(&one(
            17,
            "LayerNormalization",
            &inputs,
            &[int("axis", axis), float("epsilon", 0.0)],
            outputs,
        ))
    };
    let want = array![[-0.5, 2.5, -2.5, 4.5], [-0.5, 2.5, 3.5, -3.5]].into_dyn();
    assert_eq!(of(-1, &["y"]), want);
    assert_eq!(of(1, &["normalised", "y"]), array![[2.0], [5.0]].into_dyn());
    assert_eq!(of(1, &["normalised", "mean", "y"]), array![[1.0], [0.25]].into_dyn());
    // Of all eight together; the weight broadcasts to both rows.
    assert_eq!(of(0, &["n", "y"]), array![[3.5]].into_dyn());
    let differing = [rows(), array![[1.0], [2.0]].into_dyn()];
    let message = refusal(&one(17, "LayerNormalization", &differing, &[], &["y"]));
    assert!(
        message.contains("a weight of shape [2, 1] for rows of shape [4]"),
        "{message}"
    );
    let message = refusal(&one(17, "LayerNormalization", &inputs, &[int("stash_type", 16)], &["y"]));
    assert!(message.contains("a stash_type of 16"), "{message}");
}

#[test]
fn rms_norms() {
    let inputs = [array![[1.0, 7.0], [3.0, 3.0]].into_dyn(), array![5.0, 10.0].into_dyn()];
    for (opset, operator) in [(23, "RMSNormalization"), (17, "SimplifiedLayerNormalization")] {
        let of = |outputs: &[&str]| output(&one(opset, operator, &inputs, &[float("epsilon", 0.0)], outputs));
        assert_eq!(of(&["y"]), array![[1.0, 14.0], [5.0, 10.0]].into_dyn());
        assert_eq!(of(&["normalised", "y"]), array![[0.2], [1.0 / 3.0]].into_dyn());
    }
}

#[test]
fn group_norms() {
    // Two groups of two channels; scale and bias one a group, then one a channel.
    let input = array![[[1.0, 3.0], [1.0, 3.0], [1.0, 9.0], [9.0, 1.0]]].into_dyn();
    let of = |opset, scale: ArrayD<f32>, bias: ArrayD<f32>| {
        let attributes = [int("num_groups", 2), float("epsilon", 0.0)];
        one(
            opset,
            "GroupNormalization",
            &[input.clone(), scale, bias],
            &attributes,
            &["y"],
        )
    };
    let (scale, bias) = (array![2.0, 3.0].into_dyn(), array![0.0, 1.0].into_dyn());
    let want = array![[[-2.0, 2.0], [-2.0, 2.0], [-2.0, 4.0], [4.0, -2.0]]].into_dyn();
    assert_eq!(output(&of(18, scale.clone(), bias)), want);
    let scales = array![2.0, 3.0, 4.0, 5.0].into_dyn();
    let biases = array![0.0, 1.0, 0.0, 1.0].into_dyn();
    let want = array![[[-2.0, 2.0], [-2.0, 4.0], [-4.0, 4.0], [6.0, -4.0]]].into_dyn();
    assert_eq!(output(&of(21, scales.clone(), biases)), want);
    let message = refusal(&of(18, scales, scale));
    assert!(message.contains("weight must have shape [2]"), "{message}");
    let odd = one(
        18,
        "GroupNormalization",
        &[input, rows(), rows()],
        &[int("num_groups", 3)],
        &["y"],
    );
    assert!(refusal(&odd).contains("3 groups of 4 channels"));
}

#[test]
fn mean_variance_norms() {
    let input = array![[[[1.0, 3.0]], [[1.0, 9.0]]], [[[3.0, 1.0]], [[9.0, 1.0]]]].into_dyn();
    let of = |attributes: &[AttributeProto]| {
        output(&one(
            13,
            "MeanVarianceNormalization",
            std::slice::from_ref(&input),
            attributes,
            &["y"],
        ))
    };
    let want = array![[[[-1.0, 1.0]], [[-1.0, 1.0]]], [[[1.0, -1.0]], [[1.0, -1.0]]]].into_dyn();
    assert_eq!(of(&[]), want);
    assert_eq!(of(&[ints("axes", &[-1])]), want);
}

#[test]
fn lp_norms() {
    let input = array![[3.0, 0.0], [-4.0, 0.0]].into_dyn();
    let of = |axis, p| {
        one(
            22,
            "LpNormalization",
            std::slice::from_ref(&input),
            &[int("axis", axis), int("p", p)],
            &["y"],
        )
    };
    assert_eq!(output(&of(0, 2)), array![[0.6, 0.0], [-0.8, 0.0]].into_dyn());
    assert_eq!(output(&of(0, 1)), array![[3.0 / 7.0, 0.0], [-4.0 / 7.0, 0.0]].into_dyn());
    assert_eq!(output(&of(-1, 2)), array![[1.0, 0.0], [-1.0, 0.0]].into_dyn());
    assert!(refusal(&of(0, 3)).contains("a p of 3"));
}
