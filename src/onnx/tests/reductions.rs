//! Reductions by hand: infinities, large numbers, and nodes that reduce no axis.

use ndarray::{ArrayD, array};

use super::super::proto::{AttributeProto, ModelProto};
use super::{initializer, int, ints, model, node, numbers, output};

fn one(operator: &str, opset: i64, input: ArrayD<f32>, attributes: &[AttributeProto]) -> ModelProto {
    let mut node = node(operator, &["a"], "y");
    node.attribute = attributes.to_vec();
    let mut model = model(vec![node], vec![initializer("a", input)]);
    model.opset_import[0].version = opset;
    model
}

#[test]
fn logarithms_of_sums_of_powers_overflow_nowhere() {
    let (infinity, ln2) = (f32::INFINITY, std::f32::consts::LN_2);
    let rows = array![
        [1000.0, 1000.0],
        [-1000.0, -1000.0],
        [-infinity, -infinity],
        [-infinity, 3.0],
        [infinity, -infinity],
    ];
    let attributes = [ints("axes", &[1]), int("keepdims", 0)];
    let logs = output(&one("ReduceLogSumExp", 13, rows.into_dyn(), &attributes));
    assert_eq!(logs, array![1000.0 + ln2, -1000.0 + ln2, -infinity, 3.0, infinity].into_dyn());
    let with_nan = array![[f32::NAN, infinity]].into_dyn();
    assert!(output(&one("ReduceLogSumExp", 13, with_nan, &[]))[[0, 0]].is_nan());
}

#[test]
fn axes_are_an_attribute_or_an_input() {
    let table = || array![[3.0, -4.0], [0.0, 2.0]].into_dyn();
    for (operator, want) in [
        ("ReduceL1", [7.0, 2.0]),
        ("ReduceSumSquare", [25.0, 4.0]),
        ("ReduceL2", [5.0, 2.0]),
    ] {
        let attributes = [ints("axes", &[-1]), int("keepdims", 0)];
        assert_eq!(
            output(&one(operator, 13, table(), &attributes)),
            array![want[0], want[1]].into_dyn()
        );
        let mut by_input = one(operator, 18, table(), &[]);
        let graph = by_input.graph.as_mut().unwrap();
        graph.node[0].input.push("axes".to_owned());
        graph.initializer.push(numbers("axes", &[-1]));
        assert_eq!(output(&by_input), array![[want[0]], [want[1]]].into_dyn(), "{operator}");
    }
}

#[test]
fn what_surrounds_a_reduction_of_no_axis_is_done() {
    let input = array![0.25, 4.0].into_dyn();
    for (operator, want) in [
        ("ReduceL1", input.clone()),
        ("ReduceL2", input.clone()),
        ("ReduceSumSquare", array![0.0625, 16.0].into_dyn()),
        ("ReduceLogSum", input.mapv(f32::ln)),
        ("ReduceLogSumExp", input.clone()),
        ("ReduceMean", input.clone()),
        ("ReduceMin", input.clone()),
    ] {
        let model = one(operator, 18, input.clone(), &[int("noop_with_empty_axes", 1)]);
        assert_eq!(output(&model), want, "{operator}");
    }
}
