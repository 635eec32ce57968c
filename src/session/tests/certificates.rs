//! Certificates of runs: the same run has the same one, and whatever is not the same is named.

use ndarray::ArrayD;

use crate::graph::Graph;
use crate::ops::{Conv2d, Unary};
use crate::session::{Backend, Certificate, Session};
use crate::testing::Random;

/// A convolution with these first weights, and what makes another operator of it.
fn certificate(weights: u64, inputs: u64, function: Unary) -> Certificate {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let weight = graph.constant("weight", Random::new(weights).reals(&[4, 2, 3, 3]));
    let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight]).unwrap();
    let active = graph.node("active", function, &[features]).unwrap();
    graph.output(active).unwrap();
    let session = Session::new(graph, &Backend::cpu()).unwrap();
    let input: ArrayD<f32> = Random::new(inputs).reals(&[1, 2, 9, 7]);
    let (checks, certificate) = session.certify(&[input.view()], &mut |_| ()).unwrap();
    assert_eq!(checks.len(), certificate.operators.len());
    assert!(certificate.is_right());
    certificate.about(Some("model.onnx".to_owned()), Some(inputs))
}

#[test]
fn the_same_run_has_the_same_certificate_also_from_a_file() {
    let first = certificate(1, 2, Unary::Silu);
    assert_eq!(first.differences(&certificate(1, 2, Unary::Silu)), Vec::<String>::new());
    let read = Certificate::from_json(&first.to_json().unwrap()).unwrap();
    assert_eq!(read, first);
}

#[test]
fn what_is_not_the_same_is_named() {
    let first = certificate(1, 2, Unary::Silu);
    let named = |other: &Certificate| -> Vec<String> {
        let differences = first.differences(other);
        let names = differences
            .iter()
            .map(|line| line.split([':', ' ']).next().unwrap_or_default());
        names.map(str::to_owned).collect()
    };
    let other_weights = certificate(3, 2, Unary::Silu);
    assert_eq!(named(&other_weights)[0], "model");
    assert!(!first.is_of_same_model(&other_weights));
    let other_operator = certificate(1, 2, Unary::Mish);
    assert_eq!(named(&other_operator)[0], "model");
    let other_inputs = certificate(1, 5, Unary::Silu);
    assert!(first.is_of_same_model(&other_inputs));
    assert_eq!(named(&other_inputs)[..2], ["seed", "input"]);

    let mut changed = first.clone();
    changed.subject.driver = "another".to_owned();
    changed.operators[0].mismatch = Some("3 of 4 elements differ".to_owned());
    assert_eq!(named(&changed), ["driver", "operator"]);
    let mut leaning = first.clone();
    leaning.operators[0].is_suspicious = true;
    let said = first.differences(&leaning);
    assert!(
        said.len() == 1 && said[0].contains("was not suspicious, and is now"),
        "{said:?}"
    );
}

#[test]
fn files_of_others_are_refused_by_name() {
    let good = certificate(1, 2, Unary::Silu).to_json().unwrap();
    for (text, part) in [
        (
            "{}".to_owned(),
            "\"format\": \"convoke certificate 1\" is expected, and none came",
        ),
        (
            good.replace("certificate 1", "certificate 2"),
            "and \"convoke certificate 2\" came",
        ),
        (good.replace("\"driver\"", "\"drover\""), "drover"),
        (good.replace("\"sha256\"", "\"sha255\""), "sha255"),
        ("not JSON".to_owned(), "expected ident"),
    ] {
        let error = Certificate::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(part) && error.starts_with("certificate: "), "{part}: {error}");
    }
}
