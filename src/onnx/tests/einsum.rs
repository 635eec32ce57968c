//! Einstein's summation against its definition, of whole numbers, which are summed exactly in any order.

use std::collections::BTreeMap;

use ndarray::{ArrayD, Dimension, IxDyn};

use super::super::proto::ModelProto;
use super::{initializer, model, node, output, refusal, text};

/// An einsum of constants.
fn einsum(equation: &str, inputs: &[ArrayD<f32>]) -> ModelProto {
    let names: Vec<String> = (0..inputs.len()).map(|index| format!("c{index}")).collect();
    let mut einsum = node("Einsum", &names.iter().map(String::as_str).collect::<Vec<_>>(), "y");
    einsum.attribute = vec![text("equation", equation)];
    let constants = names.iter().zip(inputs).map(|(name, input)| initializer(name, input.clone()));
    model(vec![einsum], constants.collect())
}

/// The same where no factor is known before the network runs: each is the sum of `x`, which is 0, and itself.
fn einsum_while_running(equation: &str, inputs: &[ArrayD<f32>]) -> ModelProto {
    let mut model = einsum(equation, inputs);
    let graph = model.graph.as_mut().unwrap();
    let mut einsum = graph.node.remove(0);
    let mut sum = node("ReduceSum", &["x"], "zero");
    sum.attribute = vec![super::int("keepdims", 0)];
    graph.node.push(sum);
    for name in &mut einsum.input {
        let sum = format!("{name}_run");
        graph.node.push(node("Add", &["zero", name], &sum));
        *name = sum;
    }
    graph.node.push(einsum);
    model
}

/// Small whole numbers, of which no two rows are alike.
fn numbers(shape: &[usize], seed: usize) -> ArrayD<f32> {
    let mut place = seed;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        place = (place * 13 + 7) % 101;
        (place % 9) as f32 - 4.0
    })
}

/// The sum over all indices, one loop for each letter.
fn by_definition(terms: &[&str], result: &str, inputs: &[ArrayD<f32>]) -> ArrayD<f32> {
    let mut extents = BTreeMap::new();
    for (term, input) in terms.iter().zip(inputs) {
        for (letter, &extent) in term.chars().zip(input.shape()) {
            let known = extents.entry(letter).or_insert(extent);
            *known = extent.max(*known);
        }
    }
    let shape: Vec<usize> = result.chars().map(|letter| extents[&letter]).collect();
    let mut output = ArrayD::zeros(IxDyn(&shape));
    let all: Vec<usize> = extents.values().copied().collect();
    for place in ndarray::indices(IxDyn(&all)) {
        let index: BTreeMap<char, usize> = extents.keys().copied().zip(place.slice().iter().copied()).collect();
        let of = |term: &str| IxDyn(&term.chars().map(|letter| index[&letter]).collect::<Vec<_>>());
        let factor = |(term, input): (&&str, &ArrayD<f32>)| {
            let place: Vec<usize> = of(term)
                .slice()
                .iter()
                .zip(input.shape())
                .map(|(&at, &extent)| at.min(extent - 1))
                .collect();
            input[IxDyn(&place)]
        };
        output[of(result)] += terms.iter().zip(inputs).map(factor).product::<f32>();
    }
    output
}

#[test]
fn every_kind_of_equation() {
    /// The equation, the same in letters alone for the inputs and the output, and the inputs' shapes.
    type Case<'a> = (&'a str, &'a [&'a str], &'a str, &'a [&'a [usize]]);
    let cases: [Case<'_>; 18] = [
        ("ab,bc->ac", &["ab", "bc"], "ac", &[&[2, 3], &[3, 4]]),
        ("ab,cb->ca", &["ab", "cb"], "ca", &[&[2, 3], &[4, 3]]),
        ("ab,bc", &["ab", "bc"], "ac", &[&[2, 3], &[3, 4]]),
        ("ba", &["ba"], "ab", &[&[2, 3]]),
        ("ab->", &["ab"], "", &[&[2, 3]]),
        ("aab->ba", &["aab"], "ba", &[&[3, 3, 2]]),
        ("aaa->a", &["aaa"], "a", &[&[3, 3, 3]]),
        ("aab,bc->ac", &["aab", "bc"], "ac", &[&[3, 3, 2], &[2, 4]]),
        ("ab,cd->acbd", &["ab", "cd"], "acbd", &[&[2, 3], &[4, 2]]),
        ("a,a->a", &["a", "a"], "a", &[&[3], &[3]]),
        ("abc,cd,de->abe", &["abc", "cd", "de"], "abe", &[&[2, 3, 4], &[4, 2], &[2, 5]]),
        ("ab,b,b->a", &["ab", "b", "b"], "a", &[&[2, 3], &[3], &[3]]),
        ("bqnh,bknh->bnqk", &["bqnh", "bknh"], "bnqk", &[&[2, 3, 2, 4], &[2, 5, 2, 4]]),
        (
            "... a b, ... b c -> ... a c",
            &["eab", "ebc"],
            "eac",
            &[&[2, 3, 4], &[2, 4, 2]],
        ),
        ("...ab,...b", &["eab", "eb"], "ea", &[&[2, 3, 4], &[2, 4]]),
        ("a...->...a", &["aef"], "efa", &[&[2, 3, 4]]),
        // Extents of 1 serve all.
        ("ab,bc->ac", &["ab", "bc"], "ac", &[&[2, 1], &[3, 4]]),
        ("abc,acd->abd", &["abc", "acd"], "abd", &[&[1, 3, 4], &[2, 4, 2]]),
    ];
    for (equation, terms, result, shapes) in cases {
        let inputs: Vec<ArrayD<f32>> = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| numbers(shape, index))
            .collect();
        let want = by_definition(terms, result, &inputs);
        assert_eq!(output(&einsum(equation, &inputs)), want, "{equation}");
        assert_eq!(output(&einsum_while_running(equation, &inputs)), want, "{equation}");
    }
}

#[test]
fn refusals() {
    let of = |equation: &str, shapes: &[&[usize]]| {
        let inputs: Vec<ArrayD<f32>> = shapes.iter().map(|shape| numbers(shape, 1)).collect();
        refusal(&einsum(equation, &inputs))
    };
    for (equation, shapes, words) in [
        ("ab,bc->ac", &[&[2, 3][..]][..], "2 terms for 1 inputs"),
        ("abc", &[&[2, 3]], "a term of 3 letters for an input of 2 dimensions"),
        ("a...bc", &[&[2, 3]], "a term of 3 letters"),
        ("a1->a", &[&[2, 3]], "'1' in an equation"),
        ("a..b->a", &[&[2, 3]], "'.' in an equation"),
        ("ab->ac", &[&[2, 3]], "must have letters of the terms"),
        ("ab->aa", &[&[2, 3]], "each once"),
        ("aa->a", &[&[2, 3]], "which must be equal"),
        ("ab,bc->ac", &[&[2, 3], &[2, 4]], "is both 3 and 2"),
        ("abcde,fghij->abcdefghij", &[&[1; 5], &[1; 5]], "a product of 10 dimensions"),
    ] {
        let message = of(equation, shapes);
        assert!(message.contains(words), "{equation}: {message}");
    }
}
