//! Files that are whole, cut, changed, and changed with their checksums made right again.

use std::sync::Arc;

use half::f16;
use ndarray::{Array1, arr1, arr2};

use super::checksum::BLOCK;
use super::code::{Code, Reader};
use super::{Bytes, Compiled, Made, sealed};
use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Pass, ValueInfo};
use crate::ops::{Binary, Concat, Conv, Op, Resample, TapTable, Ternary, Unary};
use crate::tensor::Tensor;

/// A graph with constants of every type.
fn compiled() -> Compiled {
    let mut graph = Graph::new();
    let image = graph.input_of_shape("image", [1, 2, 5, 6]);
    let weight = graph.constant(
        "weight",
        Array1::<f32>::linspace(-1.0, 1.0, 36)
            .into_shape_with_order((2, 2, 3, 3))
            .unwrap(),
    );
    let conv = graph.node("conv", Conv::new().padding(1), &[image, weight]).unwrap();
    let mut table = TapTable::new(6);
    table.push([(0, 0.5), (5, 0.5)]).unwrap();
    table.push([]).unwrap();
    let short = graph.node("short", Resample::new(-1, Arc::new(table)), &[conv]).unwrap();
    graph.output(short).unwrap();
    let others: [Tensor; 6] = [
        arr1(&[f16::from_f32(0.5)]).into(),
        arr1(&[i64::MIN, 7]).into(),
        arr2(&[[1_i32, -2]]).into(),
        arr1(&[200_u8]).into(),
        arr1(&[-100_i8; 3]).into(),
        arr1(&[true, false, true]).into(),
    ];
    for other in others {
        let name = other.tensor_type().to_string();
        let constant = graph.constant(name, other);
        graph.output(constant).unwrap();
    }
    let outputs = graph.outputs.iter().map(|&output| graph.output_info(output)).collect();
    let image = ValueInfo {
        dims: Some(vec![
            Dim::Symbol("batch".to_owned()),
            Dim::Known(2),
            Dim::Unknown,
            Dim::Unknown,
        ]),
        ..graph.input_info(image)
    };
    Compiled {
        late: vec![Pass::RemoveNoOps, Pass::RemoveDeadCode],
        inputs: vec![image],
        outputs,
        graphs: vec![Made {
            shapes: Some(vec![vec![1, 2, 5, 6]]),
            graph: Arc::new(graph),
        }],
    }
}

fn written(compiled: &Compiled) -> Vec<u8> {
    let mut bytes = Vec::new();
    compiled.write(&mut bytes).unwrap().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Compiled> {
    Compiled::read(Bytes::Memory(bytes))
}

#[test]
fn what_was_written_is_read() {
    let compiled = compiled();
    let bytes = written(&compiled);
    let again = read(&bytes).unwrap();
    assert_eq!(
        (&again.late, &again.inputs, &again.outputs),
        (&compiled.late, &compiled.inputs, &compiled.outputs)
    );
    let (graph, own) = (&again.graphs[0].graph, &compiled.graphs[0].graph);
    assert_eq!(again.graphs[0].shapes, compiled.graphs[0].shapes);
    for (value, own) in graph.values.iter().zip(&own.values) {
        assert_eq!((&value.name, value.dtype, &value.shape), (&own.name, own.dtype, &own.shape));
        assert_eq!(value.constant, own.constant, "{}", own.name);
    }
    for (node, own) in graph.nodes.iter().zip(&own.nodes) {
        assert_eq!(
            (&node.name, &node.op, &node.inputs, &node.outputs),
            (&own.name, &own.op, &own.inputs, &own.outputs)
        );
    }
    assert_eq!((&graph.inputs, &graph.outputs), (&own.inputs, &own.outputs));
    assert_eq!(written(&again), bytes);
    assert_eq!(sealed(bytes.clone()), bytes, "the tests' own checksums");
}

#[test]
fn every_cut_and_every_changed_byte_is_refused() {
    let bytes = written(&compiled());
    for length in 0..bytes.len() {
        assert!(
            matches!(read(&bytes[..length]), Err(Error::Compiled(_))),
            "{length} of {} bytes",
            bytes.len()
        );
    }
    assert!(
        matches!(read(&[&bytes[..], &[0; BLOCK]].concat()), Err(Error::Compiled(_))),
        "more bytes"
    );
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(matches!(read(&changed), Err(Error::Compiled(_))), "byte {place}");
    }
}

/// One byte of the header or the description is another, or eight are, and the checksums are right: what is wrong is found, and what is
/// not is a file like another.
#[test]
fn changed_files_with_good_checksums_are_no_bugs() {
    let bytes = written(&compiled());
    let description = u64::from_le_bytes(bytes[32..40].try_into().unwrap()) as usize;
    let (mut refused, mut taken) = (0, 0);
    for place in 16..BLOCK + description {
        for value in [0, 1, 0x7F, 0xFF, bytes[place] ^ 0x10] {
            for width in [1, 8] {
                let mut changed = bytes.clone();
                changed[place..(place + width).min(BLOCK + description)].fill(value);
                match read(&sealed(changed)) {
                    Ok(_) => taken += 1,
                    Err(Error::Internal(what)) => panic!("byte {place}: {what}"),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 1000 && taken > 1000, "{refused} refused, {taken} taken");
}

#[test]
fn refusals_say_what_was_expected_and_what_came() {
    let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    let bytes = written(&compiled());
    for (foreign, got) in [(&b""[..], "\"\""), (b"\x08\x07\x12\x07pytorch and more of it", "pytorch")] {
        let message = message(foreign);
        assert!(message.contains("\"convoke compiled\"") && message.contains(got), "{message}");
    }
    let mut old = bytes.clone();
    old[16] = 0;
    assert!(message(&old).contains("expected format 1, but got 0"), "{}", message(&old));
    let mut other = bytes.clone();
    other[24] ^= 1;
    let other = message(&sealed(other));
    assert!(
        other.contains("expected operators of layout") && other.contains("another convoke"),
        "{other}"
    );
    let cut = message(&bytes[..bytes.len() - BLOCK]);
    assert!(
        cut.contains(&format!("expected {} bytes, but got {}", bytes.len(), bytes.len() - BLOCK)),
        "{cut}"
    );
    let mut weight = bytes.clone();
    let last = bytes.len() - 1;
    weight[last - BLOCK + 1] ^= 2;
    assert!(message(&weight).contains("tensor was changed"), "{}", message(&weight));
}

fn again(op: &Op) -> Op {
    let mut bytes = Vec::new();
    op.write(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let again = Op::read(&mut reader).unwrap();
    reader.finish().unwrap();
    again
}

#[test]
fn functions_of_elements_come_back() {
    let unary = Unary::EXAMPLES.iter().map(|&function| Op::from(function));
    let binary = Binary::EXAMPLES.iter().map(|&function| Op::from(function));
    let ternary = Ternary::EXAMPLES.iter().map(|&function| Op::from(function));
    for op in unary.chain(binary).chain(ternary) {
        assert_eq!(again(&op), op);
    }
    let mut bytes = Vec::new();
    Op::from(Concat::new(0)).write(&mut bytes);
    bytes[8] = b'X';
    let message = Op::read(&mut Reader::new(&bytes)).unwrap_err().to_string();
    assert!(message.contains("RoiAlign") && message.contains("\"Xoncat\""), "{message}");
}

/// The operators of ONNX's own cases, with all that they may have.
#[cfg(feature = "onnx")]
#[test]
fn operators_of_onnxs_cases_come_back() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx_node");
    let mut seen = std::collections::BTreeSet::new();
    for case in crate::testing::conformance::find(folder).unwrap() {
        let Ok(graph) =
            crate::onnx::Model::open(case.join("model.onnx")).and_then(|model| model.graph(&crate::onnx::Shapes::new()))
        else {
            continue;
        };
        for node in &graph.nodes {
            assert_eq!(again(&node.op), node.op);
            seen.insert(node.op.name());
        }
    }
    assert!(seen.len() > 60, "{} operators: {seen:?}", seen.len());
}
