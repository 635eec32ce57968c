//! Operators that the program brings along: on the GPU and the CPU against what they say that they should give.

use convoke::graph::Graph;
use convoke::ops::{Binary, CustomKernel, CustomOp, CustomOperator, Expected};
use convoke::testing::{Random, compare_exact};
use convoke::{Backend, DType, Error, Fallback, Gpu, Precision, Session, Tensor, TensorType};
use ndarray::{ArrayD, Axis, arr1};

use crate::{Named, Outcome, trial};

#[path = "../../examples/own_operator.rs"]
#[expect(dead_code, reason = "only its operator is used here")]
mod own_operator;

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("custom/median", median),
        trial("custom/compiled_once", compiled_once),
        trial("f16/custom/median", median_of_halves),
        trial("custom/whole_numbers", whole_numbers),
        trial("custom/sums", sums),
        trial("custom/refusals", refusals),
        trial("custom/fallback", fallback),
        trial("custom/without_a_reference", without_a_reference),
    ]
}

fn graph_of(op: impl CustomOperator + 'static) -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let input = graph.input("input");
    let outputs = graph.node_outputs("own", CustomOp::new(op), &[input])?;
    for output in outputs {
        graph.output(output)?;
    }
    Ok(graph)
}

/// A median between two sums, so that its operands are the plan's.
fn network() -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let twice = graph.node("twice", Binary::Add, &[image, image])?;
    let median = graph.node("median", CustomOp::new(own_operator::Median), &[twice])?;
    let rest = graph.node("rest", Binary::Sub, &[twice, median])?;
    graph.output(rest)?;
    Ok(graph)
}

fn median(gpu: &Gpu) -> Outcome {
    let image = Random::new(1).reals(&[2, 3, 17, 70]);
    let on_cpu = Session::new(network()?, &Backend::cpu())?.run(&[image.view()])?;
    let session = Session::new(network()?, &gpu.clone().into())?;
    compare_exact(&session.run(&[image.view()])?[0], &on_cpu[0])?;
    compare_exact(
        &Session::new(network()?, &Backend::Reference)?.run(&[image.view()])?[0],
        &on_cpu[0],
    )?;
    let checks = session.verify(&[image.view()])?;
    assert!(checks.iter().any(|check| check.operator == "median" && !check.is_unchecked));
    assert!(checks.iter().all(|check| check.mismatch.is_none()), "{checks:?}");
    Ok(())
}

/// Sizes are parameters, which nothing is compiled anew for.
fn compiled_once(_: &Gpu) -> Outcome {
    // A device of its own, on which nobody else makes anything.
    let gpu = Gpu::new()?;
    let session = Session::new(network()?, &gpu.clone().into())?;
    session.run(&[Random::new(1).reals(&[2, 3, 17, 70]).view()])?;
    let pipelines = gpu.compiled_pipelines();
    session.run(&[Random::new(2).reals(&[1, 1, 5, 4]).view()])?;
    assert_eq!(gpu.compiled_pipelines(), pipelines);
    Ok(())
}

fn median_of_halves(gpu: &Gpu) -> Outcome {
    let session = Session::builder()
        .backend(gpu.clone())
        .precision(Precision::F16)
        .build(network()?)?;
    let checks = session.verify(&[Random::new(3).reals(&[1, 2, 9, 7]).view()])?;
    assert!(checks.iter().all(|check| check.mismatch.is_none()), "{checks:?}");
    Ok(())
}

/// Quotient and remainder by a constant, of whole numbers of any type.
#[derive(Debug)]
struct Divided(i32);

impl CustomOperator for Divided {
    fn name(&self) -> &'static str {
        "divided"
    }

    fn outputs(&self) -> usize {
        2
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> convoke::Result<Vec<Vec<usize>>> {
        Ok(vec![inputs[0].to_vec(); 2])
    }

    fn output_types(&self, inputs: &[DType]) -> convoke::Result<Vec<DType>> {
        Ok(vec![inputs[0]; 2])
    }

    fn kernel(&self, _: &[TensorType], _: &[TensorType]) -> Option<CustomKernel> {
        let body = "
            fn run(workgroup: u32, lane: u32) {
                let i = workgroup * LANES + lane;
                if (i < params.elements) {
                    store_quotient(i, load_input(i) / params.by);
                    store_remainder(i, load_input(i) % params.by);
                }
            }";
        let kernel = CustomKernel::new(body).input("input").output("quotient").output("remainder");
        Some(kernel.parameter("by", self.0).lanes(32))
    }

    fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
        let by = f64::from(self.0);
        let of = |function: fn(f64, f64) -> f64| Expected::exact(inputs[0].values.mapv(|x| function(x, by)));
        Some(vec![of(|x, by| (x / by).trunc()), of(|x, by| x % by)])
    }
}

fn whole_numbers(gpu: &Gpu) -> Outcome {
    let inputs: [Tensor; 4] = [
        arr1(&[-7_i64, 7, 0, 1_000_003]).into(),
        arr1(&[-7_i32, 7, 0, 5]).into(),
        arr1(&[200_u8, 7, 0, 255]).into(),
        arr1(&[-128_i8, 7, 0, 127]).into(),
    ];
    for input in inputs {
        for backend in [gpu.clone().into(), Backend::cpu(), Backend::Reference] {
            let mut graph = Graph::new();
            let value = graph.input_of_type("input", input.dtype());
            for output in graph.node_outputs("own", CustomOp::new(Divided(5)), &[value])? {
                graph.output(output)?;
            }
            let outputs = Session::new(graph, &backend)?.run_tensors(&[input.view()])?;
            let got: Vec<Vec<f32>> = outputs.iter().map(|output| output.to_f32().into_iter().collect()).collect();
            let want = |function: fn(f32) -> f32| -> Vec<f32> { input.to_f32().into_iter().map(function).collect() };
            assert_eq!(
                got,
                [want(|x| (x / 5.0).trunc()), want(|x| x % 5.0)],
                "{} on {backend:?}",
                input.dtype()
            );
            assert_eq!(outputs[0].dtype(), input.dtype());
        }
    }
    Ok(())
}

/// A sum along the last axis by one workgroup a row, with memory that it shares; `rounds` is what it says of its loops.
#[derive(Debug)]
struct RowSum {
    rounds: Option<usize>,
    body: &'static str,
}

const ROW_SUM: &str = "
var<workgroup> parts: array<f32, LANES>;

fn run(workgroup: u32, lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.extent; i += LANES) {
        sum += load_input(min(workgroup, params.elements - 1u) * params.extent + i);
    }
    parts[lane] = sum;
    workgroupBarrier();
    if (lane == 0u && workgroup < params.elements) {
        for (var i = 1u; i < LANES; i++) {
            sum += parts[i];
        }
        store_output(workgroup, sum);
    }
}";

impl CustomOperator for RowSum {
    fn name(&self) -> &'static str {
        "row_sum"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> convoke::Result<Vec<Vec<usize>>> {
        Ok(vec![inputs[0][..inputs[0].len() - 1].to_vec()])
    }

    fn kernel(&self, inputs: &[TensorType], outputs: &[TensorType]) -> Option<CustomKernel> {
        let extent = *inputs[0].shape.last()? as u32;
        let kernel = CustomKernel::new(self.body)
            .input("input")
            .output("output")
            .parameter("extent", extent);
        let kernel = kernel.workgroups(outputs[0].shape.iter().product());
        Some(match self.rounds {
            Some(rounds) => kernel.rounds(rounds),
            None => kernel,
        })
    }

    fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
        let values = &inputs[0].values;
        let last = Axis(values.ndim() - 1);
        let roundings = values.len_of(last) as f64;
        let bound = values.mapv(f64::abs).sum_axis(last) * f64::from(f32::EPSILON) * roundings;
        Some(vec![Expected {
            values: values.sum_axis(last),
            bound,
        }])
    }
}

fn sums(gpu: &Gpu) -> Outcome {
    let row_sum = RowSum {
        rounds: Some(70),
        body: ROW_SUM,
    };
    let session = Session::new(graph_of(row_sum)?, &gpu.clone().into())?;
    let checks = session.verify(&[Random::new(4).reals(&[5, 3, 401]).view()])?;
    assert!(checks.iter().all(|check| check.mismatch.is_none()), "{checks:?}");
    Ok(())
}

/// What is said of something that was refused.
fn refused<T>(outcome: convoke::Result<T>) -> Result<String, Box<dyn std::error::Error>> {
    match outcome {
        Err(error @ (Error::InvalidArgument { .. } | Error::LimitExceeded { .. } | Error::Unsupported { .. })) => {
            Ok(error.to_string())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("not refused".into()),
    }
}

fn refusals(gpu: &Gpu) -> Outcome {
    let input = ArrayD::<f32>::ones(vec![2, 3]);
    let refused_sum = |rounds, body| -> Result<String, Box<dyn std::error::Error>> {
        let session = Session::new(graph_of(RowSum { rounds, body })?, &gpu.clone().into())?;
        refused(session.run(&[input.view()]))
    };
    let message = refused_sum(None, ROW_SUM)?;
    assert!(message.contains("CustomKernel::rounds"), "{message}");
    let message = refused_sum(Some(1 << 20), ROW_SUM)?;
    assert!(message.contains("rounds") && message.contains("65535"), "{message}");
    let message = refused_sum(Some(0), "fn run(workgroup: u32, lane: u32) { store_output(0u, nothing); }")?;
    assert!(
        message.contains("its kernel is refused") && message.contains("nothing"),
        "{message}"
    );
    // The device is as it was.
    sums(gpu)?;
    let session = Session::new(graph_of(own_operator::Median)?, &gpu.clone().into())?;
    let message = refused(session.run(&[input.view()]))?;
    assert!(message.contains("median") && message.contains("[2, 3]"), "{message}");
    let message = refused(session.save_to(&mut Vec::new()))?;
    assert!(message.contains("median"), "{message}");
    Ok(())
}

/// The identity, of which it says nothing but its shape and, where asked for, a kernel.
#[derive(Debug)]
struct Same {
    has_kernel: bool,
    computes: bool,
}

impl CustomOperator for Same {
    fn name(&self) -> &'static str {
        "same"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> convoke::Result<Vec<Vec<usize>>> {
        Ok(vec![inputs[0].to_vec()])
    }

    fn kernel(&self, _: &[TensorType], _: &[TensorType]) -> Option<CustomKernel> {
        let body = "fn run(workgroup: u32, lane: u32) {
            let i = workgroup * LANES + lane;
            if (i < params.elements) { store_output(i, load_input(i)); }
        }";
        self.has_kernel
            .then(|| CustomKernel::new(body).input("input").output("output"))
    }

    fn compute(&self, inputs: &[convoke::TensorView<'_>]) -> Option<Vec<Tensor>> {
        self.computes
            .then(|| inputs.iter().map(convoke::TensorView::to_tensor).collect())
    }
}

fn fallback(gpu: &Gpu) -> Outcome {
    let input = Random::new(5).reals(&[4, 5]);
    let on_host = || {
        graph_of(Same {
            has_kernel: false,
            computes: true,
        })
    };
    let message = refused(Session::new(on_host()?, &gpu.clone().into())?.run(&[input.view()]))?;
    assert!(message.contains("same") && message.contains("no kernel"), "{message}");
    let helped = Session::builder()
        .backend(gpu.clone())
        .fallback(Fallback::Always)
        .build(on_host()?)?;
    compare_exact(&helped.run(&[input.view()])?[0], &input)?;
    Ok(())
}

fn without_a_reference(gpu: &Gpu) -> Outcome {
    let input = Random::new(6).reals(&[4, 5]);
    let graph = graph_of(Same {
        has_kernel: true,
        computes: false,
    })?;
    let checks = Session::new(graph.clone(), &gpu.clone().into())?.verify(&[input.view()])?;
    assert!(
        checks.len() == 1 && checks[0].is_unchecked && checks[0].mismatch.is_none(),
        "{checks:?}"
    );
    let message = refused(Session::new(graph.clone(), &gpu.clone().into())?.certify(&[input.view()], &mut |_| ()))?;
    assert!(message.contains("without a reference, same"), "{message}");
    for (backend, what) in [(Backend::cpu(), "CPU"), (Backend::Reference, "reference")] {
        let message = refused(Session::new(graph.clone(), &backend)?.run(&[input.view()]))?;
        assert!(message.contains("same") && message.contains(what), "{message}");
    }
    Ok(())
}
