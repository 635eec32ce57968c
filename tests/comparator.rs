//! The comparator is proven to fail where it should: a check that cannot fail checks nothing.

use convoke::reference::Answer;
use convoke::testing::{Mismatch, compare, compare_close, compare_exact};
use ndarray::{ArrayD, IxDyn};

fn counting(shape: &[usize]) -> ArrayD<f32> {
    let mut next = 0.0;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        next += 1.0;
        next
    })
}

fn wanted(values: &ArrayD<f32>, bound: f64) -> Answer {
    Answer {
        bound: ArrayD::from_elem(values.raw_dim(), bound),
        ..Answer::exact(values.view())
    }
}

#[test]
fn the_same_passes() {
    let values = counting(&[2, 3, 4]);
    assert_eq!(compare(&values, &wanted(&values, 0.0)), Ok(()));
    assert_eq!(compare_exact(&values, &values), Ok(()));
}

/// The examples of `numpy.allclose`'s documentation, and what it says of NaN and infinities.
#[test]
fn closeness_is_numpys() {
    let close = |got: [f32; 2], want: [f32; 2], rtol: f64| {
        let array = |values: [f32; 2]| ndarray::arr1(&values).into_dyn();
        compare_close(&array(got), &array(want), rtol, 1e-8).is_ok()
    };
    let inf = f32::INFINITY;
    assert!(!close([1e10, 1e-7], [1.000_01e10, 1e-8], 1e-5));
    assert!(close([1e10, 1e-8], [1.000_01e10, 1e-9], 1.1e-5));
    assert!(!close([1.0, f32::NAN], [1.0, 1.0], 1e-5));
    assert!(!close([1.0, 1.0], [1.0, f32::NAN], 1e-5));
    assert!(close([inf, f32::NAN], [inf, f32::NAN], 1e-5));
    assert!(!close([inf, 0.0], [-inf, 0.0], 1e-5));
    assert!(!close([1.0, 0.0], [inf, 0.0], 1e-5));
    assert!(!close([inf, 0.0], [f32::MAX, 0.0], 1e-5));
    let values = counting(&[2, 3]);
    let turned = values.clone().reversed_axes();
    assert!(matches!(
        compare_close(&values, &turned, 1.0, 1.0),
        Err(Mismatch::Shape { .. })
    ));
}

#[test]
fn one_corrupted_element_is_found_where_it_is() {
    let values = counting(&[2, 3, 4]);
    for place in 0..values.len() {
        let mut got = values.clone();
        *got.iter_mut().nth(place).unwrap() += 0.5;
        let index = vec![place / 12, place / 4 % 3, place % 4];
        for outcome in [compare(&got, &wanted(&values, 0.25)), compare_exact(&got, &values)] {
            let Err(Mismatch::Values {
                index: found,
                differing,
                total,
                ..
            }) = outcome
            else {
                panic!("element {place}: {outcome:?}");
            };
            assert_eq!((found, differing, total), (index.clone(), 1, 24));
        }
    }
}

/// Infinity is the rounding of a value that the bound allows, but not of one within the range, nor of the other sign.
#[test]
fn infinity_passes_where_the_bound_reaches_beyond_the_range() {
    let values = ArrayD::from_elem(IxDyn(&[1]), -3.4e38_f32);
    let overflown = ArrayD::from_elem(IxDyn(&[1]), f32::NEG_INFINITY);
    assert_eq!(compare(&overflown, &wanted(&values, 1e37)), Ok(()));
    assert!(compare(&overflown, &wanted(&values, 1e34)).is_err());
    assert!(compare(&overflown, &wanted(&values, f64::INFINITY)).is_err());
    assert!(compare(&overflown.mapv(|x| -x), &wanted(&values, 1e37)).is_err());
}

#[test]
fn the_worst_element_is_named_and_all_are_counted() {
    let values = counting(&[6]);
    let mut got = values.clone();
    got[1] += 1.0;
    got[4] -= 3.0;
    let message = compare(&got, &wanted(&values, 0.5)).unwrap_err().to_string();
    assert!(message.contains("2 of 6") && message.contains("[4]"), "{message}");
    assert!(
        message.contains("got 2.0") && message.contains("want 5.0") && message.contains("bound 5e-1"),
        "{message}"
    );
    // Nothing is worse than NaN.
    got[5] = f32::NAN;
    let message = compare(&got, &wanted(&values, 0.5)).unwrap_err().to_string();
    assert!(
        message.contains("3 of 6") && message.contains("[5]") && message.contains("NaN"),
        "{message}"
    );
}

#[test]
fn the_bound_is_sharp() {
    let values = counting(&[3]);
    let want = wanted(&values, 0.25);
    let off = |by: f32| compare(&values.mapv(|x| x + by), &want);
    assert_eq!(off(0.25), Ok(()));
    assert_eq!(off(-0.25), Ok(()));
    assert!(off(0.25 + f32::EPSILON * 2.0).is_err());
    assert!(off(-0.25 - f32::EPSILON * 2.0).is_err());
}

#[test]
fn nan_and_infinity_match_themselves_alone() {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, f32::MAX];
    for (i, &got) in special.iter().enumerate() {
        for (j, &want) in special.iter().enumerate() {
            let (got, want) = (ArrayD::from_elem(IxDyn(&[1]), got), ArrayD::from_elem(IxDyn(&[1]), want));
            assert_eq!(compare(&got, &wanted(&want, 0.0)).is_ok(), i == j, "{got} for {want}");
            assert_eq!(
                compare(&got, &wanted(&want, 0.5)).is_ok(),
                i == j,
                "{got} for {want} within a bound"
            );
            assert_eq!(compare_exact(&got, &want).is_ok(), i == j, "{got} for {want} exactly");
        }
    }
}

#[test]
fn a_value_beyond_f32_is_infinity() {
    let want = Answer {
        dtype: convoke::DType::F32,
        values: ArrayD::from_elem(IxDyn(&[1]), -1e39),
        bound: ArrayD::from_elem(IxDyn(&[1]), 1e30),
        chance: None,
    };
    let got = |x: f32| compare(&ArrayD::from_elem(IxDyn(&[1]), x), &want);
    assert_eq!(got(f32::NEG_INFINITY), Ok(()));
    assert!(got(f32::INFINITY).is_err());
    assert!(got(f32::MIN).is_err());
}

#[test]
fn a_bound_that_bounds_nothing_is_a_mismatch() {
    let values = counting(&[2]);
    for bound in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(compare(&values, &wanted(&values, bound)).is_err(), "{bound}");
    }
    let mut want = wanted(&values, 0.0);
    want.bound = ArrayD::zeros(IxDyn(&[3]));
    assert!(compare(&values, &want).is_err());
}

#[test]
fn other_shapes_are_a_mismatch_of_their_own() {
    let values = counting(&[2, 3]);
    for shape in [vec![3, 2], vec![6], vec![2, 3, 1], vec![0], vec![2, 0], vec![]] {
        let want = counting(&shape);
        let mismatch = Mismatch::Shape {
            got: vec![2, 3],
            want: shape,
        };
        assert_eq!(compare(&values, &wanted(&want, 1e9)), Err(mismatch.clone()));
        assert_eq!(compare_exact(&values, &want), Err(mismatch));
    }
}

#[test]
fn empty_arrays_compare_by_shape() {
    let empty = counting(&[0, 3]);
    assert_eq!(compare(&empty, &wanted(&empty, 0.0)), Ok(()));
    assert!(compare(&counting(&[1, 3]), &wanted(&empty, 0.0)).is_err());
    assert!(compare(&empty, &wanted(&counting(&[1, 3]), 0.0)).is_err());
    assert!(compare_exact(&counting(&[3, 0]), &empty).is_err());
}

#[test]
fn exact_is_to_the_last_bit_but_for_the_sign_of_zero() {
    let one = |x: f32| ArrayD::from_elem(IxDyn(&[1]), x);
    assert!(compare_exact(&one(1.0_f32.next_up()), &one(1.0)).is_err());
    assert!(compare_exact(&one(f32::from_bits(1)), &one(0.0)).is_err());
    assert_eq!(compare_exact(&one(-0.0), &one(0.0)), Ok(()));
    assert_eq!(compare_exact(&one(-f32::NAN), &one(f32::NAN)), Ok(()));
}
