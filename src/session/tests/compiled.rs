//! Sessions saved and loaded: the same bits on every backend, for the shapes that there are.

use ndarray::ArrayD;

use crate::error::Error;
use crate::graph::Graph;
use crate::ops::{BatchNorm, Conv2d, Linear, Unary};
use crate::precision::Precision;
use crate::session::{Backend, Session};
use crate::testing::{self, Random};

fn backends() -> Vec<Backend> {
    let gpu = testing::gpu().unwrap().map(Backend::from);
    [Some(Backend::Reference), Some(Backend::cpu()), gpu]
        .into_iter()
        .flatten()
        .collect()
}

/// Layers of which passes make others, for images of any size.
fn graph() -> Graph {
    let (mut graph, mut random) = (Graph::new(), Random::new(1));
    let image = graph.input("image");
    let weight = graph.constant("weight", random.reals(&[32, 16, 3, 3]));
    let conv = graph.node("conv", Conv2d::new().padding(1), &[image, weight]).unwrap();
    let parameters = [1, 2, 3, 4].map(|_| graph.constant("parameter", random.reals(&[32]).mapv(|x| x.abs() + 0.5)));
    let norm = graph
        .node("norm", BatchNorm::new(), &[&[conv][..], &parameters].concat())
        .unwrap();
    let active = graph.node("relu", Unary::Relu, &[norm]).unwrap();
    let rows = graph.constant("rows", random.reals(&[5, 7]));
    let linear = graph.node("linear", Linear, &[active, rows]).unwrap();
    graph.output(active).unwrap();
    graph.output(linear).unwrap();
    graph
}

fn image(batch: usize) -> ArrayD<f32> {
    Random::new(batch as u64).reals(&[batch, 16, 6, 7])
}

fn saved(session: &Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    session.save_to(&mut bytes).unwrap();
    bytes
}

fn load(bytes: &[u8], backend: &Backend) -> Session {
    Session::builder().backend(backend.clone()).load_bytes(bytes).unwrap()
}

#[test]
fn a_loaded_graph_gives_the_same_bits_for_any_shapes() {
    for backend in backends() {
        let session = Session::new(graph(), &backend).unwrap();
        let bytes = saved(&session);
        let loaded = load(&bytes, &backend);
        assert_eq!(loaded.inputs()[0].name, "image");
        for batch in [1, 3] {
            let image = image(batch);
            let (own, got) = (session.run(&[image.view()]).unwrap(), loaded.run(&[image.view()]).unwrap());
            if matches!(backend, Backend::Reference) {
                // It runs what the passes left.
                assert!(own[0].iter().zip(&got[0]).all(|(own, got)| (own - got).abs() < 1e-4));
                continue;
            }
            assert_eq!(own, got, "{backend}");
            let checks = loaded.verify(&[image.view()]).unwrap();
            assert!(checks.iter().all(|check| check.mismatch.is_none()), "{checks:?}");
        }
        assert_eq!(saved(&load(&bytes, &backend)), bytes, "saved once more");
    }
}

#[test]
fn a_file_of_one_backend_runs_on_another() {
    let backends = backends();
    let bytes = saved(&Session::new(graph(), &backends[0]).unwrap());
    for backend in backends.iter().filter(|backend| !matches!(backend, Backend::Reference)) {
        let image = image(2);
        let own = Session::new(graph(), backend).unwrap().run(&[image.view()]).unwrap();
        assert_eq!(load(&bytes, backend).run(&[image.view()]).unwrap(), own, "{backend}");
    }
    let Some(gpu) = backends
        .iter()
        .find(|backend| matches!(backend, Backend::Gpu(gpu) if gpu.info().shader_f16))
    else {
        println!("16-bit floats: skipped, no adapter has them");
        return;
    };
    let half = || Session::builder().backend(gpu.clone()).precision(Precision::F16);
    let own = half().build(graph()).unwrap().run(&[image(2).view()]).unwrap();
    assert_eq!(half().load_bytes(&bytes).unwrap().run(&[image(2).view()]).unwrap(), own);
}

#[cfg(feature = "onnx")]
mod models {
    use std::path::Path;

    use super::*;
    use crate::onnx::{Model, Shapes};

    fn model(path: &str) -> Model {
        Model::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    }

    fn digits(batch: usize) -> ArrayD<f32> {
        Random::new(7).reals(&[batch, 1, 28, 28])
    }

    #[test]
    fn a_models_graphs_are_those_that_were_made() {
        let folder = std::env::temp_dir().join(format!("convoke-compiled-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (number, backend) in backends().into_iter().skip(1).enumerate() {
            let session = Session::from_model(model("models/lenet5.onnx"), &backend).unwrap();
            let file = folder.join(format!("{number}.convoke"));
            session.save(&file).unwrap();
            let loaded = Session::load(&file, &backend).unwrap();
            assert_eq!(loaded.inputs()[0].to_string(), "input f32[1, 1, 28, 28]", "what is open is 1");
            assert_eq!(loaded.outputs(), session.outputs());
            let error = loaded.run(&[digits(2).view()]).unwrap_err().to_string();
            assert!(
                error.contains("[[1, 1, 28, 28]]") && error.contains("[[2, 1, 28, 28]]"),
                "{error}"
            );

            session.prepare(&[&[2, 1, 28, 28]]).unwrap();
            session.save(&file).unwrap();
            let loaded = Session::load(&file, &backend).unwrap();
            for batch in [1, 2] {
                let digits = digits(batch);
                assert_eq!(loaded.run(&[digits.view()]).unwrap(), session.run(&[digits.view()]).unwrap());
            }
            let once = file.metadata().unwrap().len();
            assert!(
                once < 300_000,
                "weights are there once, not for each set of shapes: {once} bytes"
            );
        }
        let wrong = folder.join("wrong.convoke");
        std::fs::write(&wrong, "no file of ours").unwrap();
        let error = Session::load(&wrong, &Backend::cpu()).unwrap_err().to_string();
        assert!(
            error.contains("wrong.convoke") && error.contains("no file of ours"),
            "{error}"
        );
        assert!(matches!(
            Session::load(folder.join("none"), &Backend::cpu()),
            Err(Error::Io { .. })
        ));
        assert!(
            Session::load(&folder, &Backend::cpu())
                .unwrap_err()
                .to_string()
                .contains("not a plain file")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_cannot_be_saved_is_refused() {
        let path = "tests/data/onnx_node/test_nonmaxsuppression_two_batches/model.onnx";
        let session = Session::from_model(model(path), &Backend::cpu()).unwrap();
        let mut bytes = Vec::new();
        let error = session.save_to(&mut bytes).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let open = model("tests/data/onnx_node/test_reshape_extended_dims/model.onnx");
        let fixed = Shapes::new().value("shape", ndarray::array![2_i64, 3, 2, 2].into_dyn());
        let session = Session::from_model_with(open, fixed, &Backend::cpu()).unwrap();
        session.save_to(&mut bytes).unwrap();
        assert_eq!(load(&bytes, &Backend::cpu()).inputs().len(), 1);
    }
}
