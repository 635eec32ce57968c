//! Sparse tensors, and what else files may have in another form than others.

use ndarray::{Array1, Array2, array};

use super::super::proto::SparseTensorProto;
use super::{AttributeProto, Model, Options, initializer, model, node, output, refusal};
use crate::tensor::Tensor;
use prost::Message;

fn sparse(dims: &[i64], values: impl Into<Tensor>, indices: impl Into<Tensor>) -> SparseTensorProto {
    SparseTensorProto {
        values: Some(initializer("w", values)),
        indices: Some(initializer("", indices)),
        dims: dims.to_vec(),
    }
}

/// The initializer `w`, as it is.
fn of_initializer(tensor: SparseTensorProto) -> super::ModelProto {
    let mut model = model(vec![node("Identity", &["w"], "y")], vec![]);
    model.graph.as_mut().unwrap().sparse_initializer.push(tensor);
    model
}

#[test]
fn sparse_tensors_are_written_out() {
    let want = array![[0.0, 0.0, 5.0], [7.0, 0.0, 0.0]].into_dyn();
    let values = array![5.0_f32, 7.0];
    let by_place = sparse(&[2, 3], values.clone(), array![2_i64, 3]);
    let by_coordinates = sparse(&[2, 3], values, array![[0_i64, 2], [1, 0]]);
    for tensor in [by_place, by_coordinates] {
        assert_eq!(output(&of_initializer(tensor.clone())), want);
        let mut constant = node("Constant", &[], "y");
        constant.attribute.push(AttributeProto {
            name: "sparse_value".to_owned(),
            sparse_tensor: Some(Box::new(tensor)),
            kind: 11,
            ..Default::default()
        });
        assert_eq!(output(&model(vec![constant], vec![])), want);
    }
    let mut typed = sparse(&[4], array![0.0_f32], array![1_i64]);
    let values = typed.values.as_mut().unwrap();
    (values.raw_data, values.float_data) = (None, vec![9.0]);
    assert_eq!(output(&of_initializer(typed)), array![0.0, 9.0, 0.0, 0.0].into_dyn());
    let nothing = sparse(&[2], Array1::<f32>::zeros(0), Array2::<i64>::zeros((0, 1)));
    assert_eq!(output(&of_initializer(nothing)), array![0.0, 0.0].into_dyn());
}

#[test]
fn sparse_tensors_that_contradict_themselves_are_refused() {
    let values = array![5.0_f32, 7.0];
    let cases = [
        (sparse(&[2, 3], values.clone(), array![2_i64, 6]), "index 6 of 6 elements"),
        (sparse(&[2, 3], values.clone(), array![2_i64, -1]), "index -1 of 6 elements"),
        (
            sparse(&[2, 3], values.clone(), array![[0_i64, 3], [1, 0]]),
            "index 3 of 3 elements",
        ),
        (sparse(&[2, 3], values.clone(), array![2_i64]), "of shape [1] for 2 values"),
        (
            sparse(&[2, 3], values.clone(), array![[0_i64], [1]]),
            "of shape [2, 1] for 2 values",
        ),
        (sparse(&[2, 3], values.clone(), array![2.0_f32, 3.0]), "indices f32"),
        (
            sparse(&[2, 3], array![[5.0_f32, 7.0]], array![0_i64, 1]),
            "must have 1 dimension",
        ),
        (sparse(&[-2, 3], values.clone(), array![0_i64, 1]), "negative extent"),
        (
            sparse(&[1 << 40, 1 << 40], values, array![0_i64, 1]),
            "more elements than can be counted",
        ),
    ];
    for (tensor, part) in cases {
        let message = refusal(&of_initializer(tensor));
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_few_bytes_do_not_become_very_many() {
    let tensor = sparse(&[1 << 30], array![5.0_f32], array![0_i64]);
    let bytes = of_initializer(tensor).encode_to_vec();
    let message = Model::from_bytes_with(&bytes, &Options::new().budget(1 << 20))
        .unwrap_err()
        .to_string();
    assert!(message.contains("over the budget"), "{message}");
}

#[test]
fn nodes_may_stand_in_any_order() {
    let nodes = vec![node("Neg", &["b"], "y"), node("Exp", &["a"], "b"), node("Relu", &["x"], "a")];
    assert!(output(&model(nodes, vec![])).iter().all(|&value| value == -1.0));
}
