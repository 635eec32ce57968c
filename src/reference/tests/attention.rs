//! Scaled dot-product attention, by hand.

use ndarray::{ArrayD, array};

use super::exact;
use crate::ops::{Op, ScaledDotProductAttention};
use crate::reference::{Answer, run};

fn attend(op: ScaledDotProductAttention, inputs: &[ArrayD<f32>]) -> Answer {
    let inputs: Vec<Answer> = inputs.iter().map(exact).collect();
    run(&Op::from(op), &inputs.iter().collect::<Vec<_>>()).unwrap().swap_remove(0)
}

/// Scores of 0 and ln 3, so that weights are 1/4 and 3/4.
#[test]
fn values_are_averaged_by_their_scores() {
    let query = array![[2.0]].into_dyn();
    let key = array![[0.0], [3.0_f32.ln()]].into_dyn();
    let value = array![[4.0, 0.0], [8.0, -4.0]].into_dyn();
    let operands = [query, key, value];
    let near = |got: &Answer, want: [f64; 2]| {
        for (got, want) in got.values.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} and not {want}");
        }
        assert!(got.bound.iter().all(|&bound| bound > 0.0 && bound < 1e-4), "{:?}", got.bound);
    };
    let half = ScaledDotProductAttention::new().scale(0.5);
    near(&attend(half, &operands), [7.0, -3.0]);
    // 1 / sqrt(1) by itself: weights of 1/10 and 9/10.
    near(&attend(ScaledDotProductAttention::new(), &operands), [7.6, -3.6]);
    let masked = [&operands[..], &[array![[3.0_f32.ln(), 0.0]].into_dyn()]].concat();
    near(&attend(half, &masked), [6.0, -2.0]);
    let unseen = [&operands[..], &[array![0.0, f32::NEG_INFINITY].into_dyn()]].concat();
    assert_eq!(attend(half, &unseen).to_f32(), array![[4.0, 0.0]].into_dyn());
}

/// No error of the scores makes a mean leave its values.
#[test]
fn what_a_mask_drowns_is_within_the_values() {
    let low = f32::MIN;
    let operands = [
        array![[1.0]].into_dyn(),
        array![[0.0], [5.0]].into_dyn(),
        array![[2.0], [3.0]].into_dyn(),
        array![[low, low]].into_dyn(),
    ];
    let answer = attend(ScaledDotProductAttention::new(), &operands);
    let bound = answer.bound[[0, 0]];
    assert!((1.0..7.0).contains(&bound), "{bound}");
}

#[test]
fn a_row_without_a_largest_score_is_nan() {
    let operands = |mask: f32| {
        [
            array![[1.0]].into_dyn(),
            array![[0.0], [5.0]].into_dyn(),
            array![[2.0], [3.0]].into_dyn(),
            array![[mask, f32::NEG_INFINITY]].into_dyn(),
        ]
    };
    for mask in [f32::NEG_INFINITY, f32::INFINITY, f32::NAN] {
        let answer = attend(ScaledDotProductAttention::new(), &operands(mask));
        assert!(answer.values[[0, 0]].is_nan() && answer.bound[[0, 0]] == 0.0, "{mask}");
    }
}

#[test]
fn of_no_keys_the_result_is_zero() {
    let operands = [vec![2, 3], vec![0, 3], vec![0, 2]].map(ArrayD::zeros);
    let answer = attend(ScaledDotProductAttention::new(), &operands);
    assert_eq!(answer.to_f32(), ArrayD::<f32>::zeros(vec![2, 2]));
}
