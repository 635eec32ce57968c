//! Quantised operators by hand, those of ONNX Runtime above all, and numbers that are held in a wider type than their own.

use ndarray::array;

use super::super::proto::{AttributeProto, ModelProto, NodeProto, TensorProto};
use super::{element, graph, initializer, int, ints, model, node, typed_output};
use crate::error::Result;
use crate::ops::Op;
use crate::tensor::Tensor;

/// What a node makes of constants.
fn computed(mut node: NodeProto, attributes: Vec<AttributeProto>, inputs: &[Tensor]) -> Result<Tensor> {
    let names: Vec<String> = (0..inputs.len()).map(|index| format!("i{index}")).collect();
    let constants = names
        .iter()
        .zip(inputs)
        .map(|(name, tensor)| initializer(name, tensor.clone()));
    node.input.clone_from(&names);
    node.attribute = attributes;
    let mut model = model(vec![node], constants.collect());
    model.opset_import[0].version = 25;
    typed_output(&model)
}

fn of_onnx(operator: &str, attributes: Vec<AttributeProto>, inputs: &[Tensor]) -> Result<Tensor> {
    computed(node(operator, &[], "y"), attributes, inputs)
}

fn of_microsoft(operator: &str, attributes: Vec<AttributeProto>, inputs: &[Tensor]) -> Tensor {
    let node = NodeProto {
        domain: "com.microsoft".to_owned(),
        ..node(operator, &[], "y")
    };
    computed(node, attributes, inputs).unwrap()
}

/// One number of each type that scales and zero points have.
fn real(value: f32) -> Tensor {
    array![value].into_dyn().into()
}

fn byte(value: u8) -> Tensor {
    array![value].into_dyn().into()
}

#[test]
fn halves_are_rounded_to_even_and_what_is_beyond_the_type_is_its_end() {
    let reals: Tensor = array![0.5_f32, 1.5, -0.5, 300.0, -300.0, f32::INFINITY].into();
    let got = of_onnx("QuantizeLinear", vec![], &[reals.clone(), real(1.0), byte(10)]).unwrap();
    assert_eq!(got, array![10_u8, 12, 10, 255, 0, 255].into());
    let signed = array![-10_i8].into();
    let got = of_onnx("QuantizeLinear", vec![], &[reals, real(2.0), signed]).unwrap();
    assert_eq!(got, array![-10_i8, -9, -10, 127, -128, 127].into());
}

#[test]
fn large_numbers_lose_their_zero_point_exactly() {
    let numbers: Tensor = array![16_777_217_i32, i32::MIN + 2].into();
    let zero_point: Tensor = array![1_i32].into();
    let got = of_onnx("DequantizeLinear", vec![], &[numbers, real(0.5), zero_point]).unwrap();
    assert_eq!(got, array![8_388_608.0_f32, -1_073_741_824.0].into());
}

#[test]
fn scales_have_the_shape_of_their_axis() {
    let table: Tensor = array![[1_u8, 2, 3], [4, 5, 6]].into();
    let scales: Tensor = array![1.0_f32, 10.0].into();
    let along = |axis| of_onnx("DequantizeLinear", vec![int("axis", axis)], &[table.clone(), scales.clone()]);
    assert_eq!(along(0).unwrap(), array![[1.0_f32, 2.0, 3.0], [40.0, 50.0, 60.0]].into());
    assert_eq!(along(-2).unwrap(), along(0).unwrap());
    let message = along(1).unwrap_err().to_string();
    assert!(message.contains("[2] for a tensor of shape [2, 3] along axis 1"), "{message}");
    let message = along(2).unwrap_err().to_string();
    assert!(message.contains("axis 2 of a tensor"), "{message}");
    // The last block is short.
    let blocks: Tensor = array![[1.0_f32, 2.0], [3.0, 4.0]].into();
    let attributes = vec![int("axis", 1), int("block_size", 2)];
    let got = of_onnx("DequantizeLinear", attributes, &[table, blocks]).unwrap();
    assert_eq!(got, array![[1.0_f32, 2.0, 6.0], [12.0, 15.0, 24.0]].into());
}

#[test]
fn sums_of_quantised_numbers() {
    let (left, right): (Tensor, Tensor) = (array![130_u8, 120].into(), array![129_u8, 128].into());
    let scales = [real(0.5), byte(128), right, real(0.25), byte(128), real(0.125), byte(100)];
    // 1 + 0.25 and -4 + 0.
    let inputs = [&[left][..], &scales].concat();
    assert_eq!(of_microsoft("QLinearAdd", vec![], &inputs), array![110_u8, 68].into());
    // 1 * 0.25 and -4 * 0.
    assert_eq!(of_microsoft("QLinearMul", vec![], &inputs), array![102_u8, 100].into());
}

#[test]
fn functions_of_quantised_numbers() {
    let image: Tensor = array![[[[132_u8, 136], [124, 128]]]].into();
    let between = [image.clone(), real(0.5), byte(128), real(0.25), byte(10)];
    let got = of_microsoft("QLinearGlobalAveragePool", vec![], &between);
    assert_eq!(got, array![[[[14_u8]]]].into());
    let kernel = vec![ints("kernel_shape", &[1, 2])];
    let got = of_microsoft("QLinearAveragePool", kernel, &between);
    assert_eq!(got, array![[[[22_u8], [6]]]].into());
    let slope = AttributeProto {
        name: "alpha".to_owned(),
        kind: 1,
        f: 0.5,
        ..Default::default()
    };
    let got = of_microsoft("QLinearLeakyRelu", vec![slope], &between);
    assert_eq!(got, array![[[[18_u8, 26], [6, 10]]]].into());
    let got = of_microsoft(
        "QLinearSigmoid",
        vec![],
        &[array![128_u8].into(), real(1.0), byte(128), real(0.5), byte(7)],
    );
    assert_eq!(got, array![8_u8].into());
    let parts = [
        real(0.5),
        byte(0),
        array![4_u8].into(),
        real(1.0),
        byte(1),
        array![6_u8].into(),
        real(0.25),
        byte(2),
    ];
    let got = of_microsoft("QLinearConcat", vec![int("axis", 0)], &parts);
    assert_eq!(got, array![6_u8, 2].into());
    let got = of_onnx("MaxPool", vec![ints("kernel_shape", &[1, 2])], &[image]).unwrap();
    assert_eq!(got, array![[[[136_u8], [128]]]].into());
}

#[test]
fn products_of_quantised_matrices() {
    let left: Tensor = array![[1_u8, 2], [3, 4]].into();
    let right: Tensor = array![[1_i8, -1], [2, 3]].into();
    let zero: Tensor = array![0_i8].into();
    // (left - 1) * right = [[2, 3], [8, 7]], and with right transposed [[-1, 3], [-1, 13]].
    let addend: Tensor = array![10_i32, 20].into();
    let operands = [
        left.clone(),
        real(0.5),
        byte(1),
        right.clone(),
        real(2.0),
        zero.clone(),
        addend,
    ];
    let reals = of_microsoft("QGemm", vec![int("transB", 1)], &operands);
    assert_eq!(reals, array![[9.0_f32, 23.0], [9.0, 33.0]].into());
    let output = [&operands[..], &[real(2.0), byte(100)]].concat();
    assert_eq!(
        of_microsoft("QGemm", vec![], &output),
        array![[106_u8, 112], [109, 114]].into()
    );

    let bias: Tensor = array![0.5_f32, -0.5].into();
    let scales: Tensor = array![1.0_f32, 2.0].into();
    let inputs = [left, right.clone(), real(0.5), scales, byte(1), zero.clone(), bias.clone()];
    let got = of_microsoft("MatMulIntegerToFloat", vec![], &inputs);
    assert_eq!(got, array![[1.5_f32, 2.5], [4.5, 6.5]].into());

    // From 0 to 255 the scale is 1 and the zero point 0.
    let reals: Tensor = array![[0.0_f32, 255.0], [3.4, 4.0]].into();
    let got = of_microsoft("DynamicQuantizeMatMul", vec![], &[reals, right, real(0.5), zero, bias]);
    assert_eq!(got, array![[255.5_f32, 382.0], [6.0, 4.0]].into());
}

#[test]
fn matrices_of_floats_are_transposed_and_scaled() {
    let (left, right): (Tensor, Tensor) = (array![[1.0_f32, 2.0], [3.0, 4.0]].into(), array![[1.0_f32, 10.0]].into());
    let alpha = AttributeProto {
        name: "alpha".to_owned(),
        kind: 1,
        f: 0.5,
        ..Default::default()
    };
    let attributes = vec![int("transA", 1), int("transB", 1), alpha];
    let got = of_microsoft("FusedMatMul", attributes, &[left, right]);
    assert_eq!(got, array![[15.5_f32], [21.0]].into());
}

#[test]
fn numbers_wrap_around_in_their_own_type() {
    let short = |values: &[i32], data_type| TensorProto {
        name: "s".to_owned(),
        dims: vec![values.len() as i64],
        data_type,
        int32_data: values.to_vec(),
        ..Default::default()
    };
    let of = |operator: &str, inputs: &[&str], data_type| {
        let nodes = vec![node("BitwiseNot", &["s"], "n"), node(operator, inputs, "y")];
        let mut model = model(nodes, vec![short(&[1, 65_535], data_type)]);
        model.opset_import[0].version = 18;
        typed_output(&model).map_err(|error| error.to_string())
    };
    let unsigned = element::UINT16;
    assert_eq!(of("Identity", &["n"], unsigned), Ok(array![65_534_i32, 0].into()));
    assert_eq!(of("Add", &["n", "s"], unsigned), Ok(array![65_535_i32, 65_535].into()));
    assert_eq!(of("Sub", &["n", "s"], unsigned), Ok(array![65_533_i32, 1].into()));
    // Of numbers that are known at once, it would be nobody's intention.
    let message = of("Add", &["s", "s"], unsigned).unwrap_err();
    assert!(message.contains("131070 is no UINT16"), "{message}");
}

#[test]
fn what_stands_between_quantised_numbers_is_summed_in_whole_numbers() {
    let constants = || {
        vec![
            initializer("i", array![[[[130_u8, 7], [255, 90]]]]),
            initializer("xs", array![0.1_f32]),
            initializer("xz", array![128_u8]),
            initializer("w", array![[[[5_i8, -7]]], [[[100, 3]]]]),
            initializer("ws", array![0.25_f32, 0.5]),
            initializer("wz", array![0_i8, 0]),
            initializer("b", array![400_i32, -77]),
            initializer("bs", array![0.1_f32 * 0.25, 0.1 * 0.5]),
            initializer("ys", array![0.7_f32]),
            initializer("yz", array![3_u8]),
        ]
    };
    let dequantized = |inputs: &[&str], output| {
        let mut node = node("DequantizeLinear", inputs, output);
        node.attribute = vec![int("axis", 0)];
        node
    };
    let between = |bias_scale| {
        let nodes = vec![
            dequantized(&["i", "xs", "xz"], "p"),
            dequantized(&["w", "ws", "wz"], "q"),
            dequantized(&["b", bias_scale], "r"),
            node("Conv", &["p", "q", "r"], "s"),
            node("QuantizeLinear", &["s", "ys", "yz"], "y"),
        ];
        model(nodes, constants())
    };
    let operands = ["i", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
    let whole = model(vec![node("QLinearConv", &operands, "y")], constants());
    assert_eq!(typed_output(&between("bs")).unwrap(), typed_output(&whole).unwrap());
    let sums = |model: ModelProto| {
        let graph = graph(&model).unwrap();
        graph.nodes().iter().any(|node| matches!(node.op(), Op::ConvInteger(_)))
    };
    assert!(sums(between("bs")));
    // A bias of another scale, 100 and -38.5 here, is added to the reals: 121.425 and 122.525, -46.65 and 590.8.
    assert!(sums(between("ws")));
    let got = typed_output(&between("ws")).unwrap();
    assert_eq!(got, array![[[[176_u8], [178]], [[0], [255]]]].into());
}

#[test]
fn a_quotient_that_is_almost_a_half_is_of_what_was_rounded() {
    let (input_scale, weight_scale) = (0.006_919_312_8_f32, 0.001_868_647_6_f32);
    let constants = || {
        vec![
            initializer("i", array![[[[0_i8]]]]),
            initializer("xs", array![input_scale]),
            initializer("xz", array![0_i8]),
            initializer("w", array![[[[1_i8]]]]),
            initializer("ws", array![weight_scale]),
            initializer("wz", array![0_i8]),
            initializer("b", array![27_546_i32]),
            initializer("bs", array![input_scale * weight_scale]),
            initializer("ys", array![0.005_886_993_4_f32]),
            initializer("yz", array![0_i8]),
        ]
    };
    let nodes = vec![
        node("DequantizeLinear", &["i", "xs", "xz"], "p"),
        node("DequantizeLinear", &["w", "ws", "wz"], "q"),
        node("DequantizeLinear", &["b", "bs"], "r"),
        node("Conv", &["p", "q", "r"], "s"),
        node("QuantizeLinear", &["s", "ys", "yz"], "y"),
    ];
    // 27546 of the product of the scales by the last one are 60.49999996; by the rounded product they are 60.500004.
    assert_eq!(typed_output(&model(nodes, constants())).unwrap(), array![[[[61_i8]]]].into());
    // The factor is rounded here, and the product with it is 60.5.
    let operands = ["i", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
    let whole = model(vec![node("QLinearConv", &operands, "y")], constants());
    assert_eq!(typed_output(&whole).unwrap(), array![[[[60_i8]]]].into());
}
