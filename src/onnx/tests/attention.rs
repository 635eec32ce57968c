//! Attention: what ONNX's cases leave out, and what is refused.

use ndarray::{Array3, Array4, ArrayD, array};

use super::super::proto::{AttributeProto, ModelProto, NodeProto};
use super::{int, of_constants, output, refusal};
use crate::tensor::Tensor;

fn one(operator: &str, inputs: &[Option<Tensor>], attributes: &[AttributeProto]) -> ModelProto {
    of_constants(25, operator, inputs, attributes)
}

fn first_node(model: &mut ModelProto) -> &mut NodeProto {
    &mut model.graph.as_mut().unwrap().node[0]
}

/// Numbers of which no two rows are alike.
#[expect(clippy::unnecessary_wraps, reason = "an input that is given among those that may not be")]
fn heads(heads: usize, length: usize, seed: usize) -> Option<Tensor> {
    let numbers = Array4::from_shape_fn((1, heads, length, 2), |(_, head, row, column)| {
        ((head * 5 + row * 3 + column * 7 + seed) % 11) as f32 / 4.0 - 1.0
    });
    Some(numbers.into())
}

fn assert_close(got: &ArrayD<f32>, want: &ArrayD<f32>) {
    assert_eq!(got.shape(), want.shape());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-5, "{got} for {want}");
    }
}

/// A query that sees one key has that key's value.
#[test]
fn one_key_is_seen() {
    let inputs = [heads(2, 3, 0), heads(1, 3, 1), heads(1, 3, 2)];
    let value = heads(1, 3, 2).unwrap().to_f32();
    let got = output(&one(
        "Attention",
        &inputs,
        &[int("left_window_size", 0), int("right_window_size", 0)],
    ));
    for head in 0..2 {
        let own = got.slice(ndarray::s![.., head..=head, .., ..]).to_owned().into_dyn();
        assert_close(&own, &value);
    }
}

/// Of more queries than keys those beyond the window of the last key see none, and have zeros.
#[test]
fn queries_beyond_all_keys_have_zeros() {
    let inputs = [heads(1, 4, 0), heads(1, 2, 1), heads(1, 2, 2)];
    let got = output(&one(
        "Attention",
        &inputs,
        &[int("left_window_size", 0), int("right_window_size", 0)],
    ));
    let value = heads(1, 2, 2).unwrap().to_f32();
    assert_close(&got.slice(ndarray::s![.., .., ..2, ..]).to_owned().into_dyn(), &value);
    assert!(got.slice(ndarray::s![.., .., 2.., ..]).iter().all(|&x| x == 0.0), "{got}");
}

/// Keys that only fill up do not count, wherever the window ends.
#[test]
fn lengths_without_padding() {
    let lengths: Tensor = array![2_i64].into_dyn().into();
    let of = |attributes: &[AttributeProto]| {
        let inputs = [
            heads(1, 2, 0),
            heads(1, 4, 1),
            heads(1, 4, 2),
            None,
            None,
            None,
            Some(lengths.clone()),
        ];
        output(&one("Attention", &inputs, attributes))
    };
    let short = |attributes: &[AttributeProto]| {
        let keys = |seed| {
            Some(Tensor::from(
                heads(1, 4, seed)
                    .unwrap()
                    .to_f32()
                    .slice(ndarray::s![.., .., ..2, ..])
                    .to_owned(),
            ))
        };
        output(&one("Attention", &[heads(1, 2, 0), keys(1), keys(2)], attributes))
    };
    for attributes in [
        vec![],
        vec![int("is_causal", 1)],
        vec![int("left_window_size", 0), int("is_causal", 1)],
        vec![int("left_window_size", i64::MAX), int("right_window_size", i64::MAX)],
    ] {
        assert_close(&of(&attributes), &short(&attributes));
    }
}

#[test]
fn refusals_of_attention() {
    let (q, k, v) = (heads(2, 3, 0), heads(2, 4, 1), heads(2, 4, 2));
    let of = |inputs: &[Option<Tensor>], attributes: &[AttributeProto]| refusal(&one("Attention", inputs, attributes));
    let packed = Some(Tensor::from(Array3::<f32>::zeros((1, 3, 4))));
    let lengths = Some(Tensor::from(array![1_i64, 2]));
    for (message, words) in [
        (
            of(&[heads(3, 3, 0), k.clone(), v.clone()], &[]),
            "queries of shape [1, 3, 3, 2]",
        ),
        (of(&[q.clone(), k.clone(), heads(2, 3, 2)], &[]), "values of [1, 2, 3, 2]"),
        (
            of(&[packed.clone(), packed.clone(), packed.clone()], &[int("q_num_heads", 3)]),
            "3 heads of an input of shape [1, 3, 4]",
        ),
        (
            of(&[packed.clone(), packed.clone(), packed], &[int("q_num_heads", -1)]),
            "-1 heads",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone(), None, heads(2, 1, 0)], &[]),
            "given together",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone()], &[int("left_window_size", -2)]),
            "a left_window_size of -2",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone()], &[int("qk_matmul_output_mode", 4)]),
            "a qk_matmul_output_mode of 4",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone()], &[int("softmax_precision", 7)]),
            "a softmax_precision of 7",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone(), None, None, None, lengths], &[]),
            "lengths without padding of shape [2], but [1] is expected",
        ),
        (
            of(&[q.clone(), k.clone(), v.clone(), Some(array![[1_i64]].into())], &[]),
            "a mask that is neither bools nor reals",
        ),
        (of(&[q, k, v, Some(Array3::<f32>::zeros((1, 2, 4)).into())], &[]), "add"),
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
}

/// ONNX Runtime's operator is ONNX's of heads side by side.
#[test]
fn multi_head_attention_is_attention() {
    let side_by_side = |seed: usize| {
        let numbers = Array3::from_shape_fn((2, 3, 4), |(image, row, column)| {
            ((image * 5 + row * 3 + column * 7 + seed) % 11) as f32 / 4.0
        });
        Some(Tensor::from(numbers))
    };
    let inputs = [side_by_side(0), side_by_side(1), side_by_side(2)];
    let want = output(&one(
        "Attention",
        &inputs,
        &[int("q_num_heads", 2), int("kv_num_heads", 2), int("is_causal", 1)],
    ));
    let mut fused = one(
        "MultiHeadAttention",
        &inputs,
        &[int("num_heads", 2), int("unidirectional", 1)],
    );
    first_node(&mut fused).domain = "com.microsoft".to_owned();
    assert_close(&output(&fused), &want);
}

#[test]
fn refusals_of_rotary_embeddings() {
    let angles = |rows: usize, pairs: usize| Some(Tensor::from(Array3::<f32>::zeros((1, rows, pairs))));
    let of = |inputs: &[Option<Tensor>], attributes: &[AttributeProto]| refusal(&one("RotaryEmbedding", inputs, attributes));
    let input = heads(2, 3, 0);
    for (message, words) in [
        (
            of(&[input.clone(), angles(3, 2), angles(3, 1)], &[]),
            "cosines or sines of shape [1, 3, 2], but [1, 3, 1]",
        ),
        (
            of(&[input.clone(), angles(3, 1), angles(2, 1)], &[]),
            "cosines or sines of shape [1, 2, 1]",
        ),
        (
            of(
                &[input.clone(), angles(3, 2), angles(3, 2)],
                &[int("rotary_embedding_dim", 4)],
            ),
            "4 features of 2",
        ),
        (
            of(&[input, angles(3, 1), angles(3, 1)], &[int("rotary_embedding_dim", 1)]),
            "1 features of 2",
        ),
        (
            of(&[angles(3, 4), angles(3, 1), angles(3, 1)], &[]),
            "0 heads of an input of shape [1, 3, 4]",
        ),
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn refusals_of_linear_attention() {
    let zeros = |tokens: usize, size: usize| Some(Tensor::from(Array3::<f32>::zeros((1, tokens, size))));
    let of = |inputs: &[Option<Tensor>], rule: &str| {
        let mut attributes = vec![int("q_num_heads", 2), int("kv_num_heads", 1)];
        attributes.push(super::text("update_rule", rule));
        refusal(&one("LinearAttention", inputs, &attributes))
    };
    let (q, k) = (zeros(3, 4), zeros(3, 2));
    for (message, words) in [
        (of(&[q.clone(), k.clone(), k.clone()], "square"), "an update_rule \"square\""),
        (of(&[q.clone(), k.clone(), k.clone()], "gated"), "input 4 is missing"),
        (
            of(&[q.clone(), k.clone(), k.clone(), None, zeros(3, 3)], "gated"),
            "decays of shape [1, 3, 3], but [1, 3, 1 or 2]",
        ),
        (of(&[q.clone(), k.clone(), zeros(2, 2)], "linear"), "values of [1, 1, 2, 2]"),
        (of(&[zeros(2000, 4), zeros(2000, 2), zeros(2000, 2)], "linear"), "2000 tokens"),
        (
            of(&[q, k.clone(), k, Some(Array4::<f32>::zeros((1, 1, 2, 3)).into())], "linear"),
            "a state of shape [1, 1, 2, 3]",
        ),
    ] {
        assert!(message.contains(words), "{message}");
    }
}

/// A mask broadcasts to the scores, and these do not broadcast to it.
#[test]
fn masks_that_are_larger_than_the_scores_are_refused() {
    let mask = ArrayD::<f32>::zeros(vec![2, 1, 3, 3]);
    let inputs = [heads(1, 3, 0), heads(1, 3, 1), heads(1, 3, 2), Some(mask.into())];
    let message = refusal(&one("Attention", &inputs, &[]));
    assert!(
        message.contains("[2, 1, 3, 3]") && message.contains("must broadcast"),
        "{message}"
    );
}
