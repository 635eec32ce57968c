//! Elements by indices of their own, and updates at such places: against the reference, and against a definition by hand.

use convoke::graph::Graph;
use convoke::ops::{GatherElements, Op, ScatterElements, ScatterReduction};
use convoke::testing::{Random, compare_exact};
use convoke::{Backend, DType, Session, Tensor, TensorType};
use ndarray::{Array, ArrayD, IxDyn};

use crate::device::Outcome;
use crate::typed::numbers;

/// What holds on a backend.
type Check = fn(&Backend) -> Outcome;

/// Each with its name.
pub(crate) const CASES: [(&str, Check); 3] = [
    ("types/gathered_elements", gathers),
    ("types/scattered", scatters),
    ("types/out_of_range", out_of_range),
];

/// Data, indices and the axis that they are along, by chance.
struct Lines {
    axis: usize,
    data: Vec<usize>,
    indices: ArrayD<i64>,
}

impl Lines {
    /// Indices go as far as the data along other axes, or less far. Many name the same element.
    fn new(random: &mut Random) -> Self {
        let rank = 1 + random.below(4);
        let axis = random.below(rank);
        let data: Vec<usize> = (0..rank).map(|_| 1 + random.below(5)).collect();
        let mut shape: Vec<usize> = data.iter().map(|&extent| extent - random.below(2).min(extent - 1)).collect();
        shape[axis] = 1 + random.below(9);
        let extent = data[axis];
        let indices = ArrayD::from_shape_simple_fn(IxDyn(&shape), || random.below(2 * extent) as i64 - extent as i64);
        Self { axis, data, indices }
    }

    /// The place in the data that the index at a place names.
    fn named(&self, at: &IxDyn) -> IxDyn {
        let mut named = at.clone();
        let index = self.indices[at];
        let extent = self.data[self.axis] as i64;
        named[self.axis] = (if index < 0 { index + extent } else { index }) as usize;
        named
    }

    /// The axis from either end.
    fn axis(&self, random: &mut Random) -> isize {
        self.axis as isize - if random.below(2) == 0 { 0 } else { self.data.len() as isize }
    }
}

/// An operator of inputs of these types, in a session on a backend.
fn session(op: impl Into<Op>, inputs: &[&Tensor], backend: &Backend) -> convoke::Result<Session> {
    let mut graph = Graph::new();
    let numbered = inputs.iter().enumerate();
    let values: Vec<_> = numbered
        .map(|(index, input)| graph.input_of_type(format!("input {index}"), input.dtype()))
        .collect();
    let output = graph.node("output", op, &values)?;
    graph.output(output)?;
    Session::new(graph, backend)
}

fn check(session: &Session, inputs: &[&Tensor], case: &str) -> Outcome {
    for check in session.verify(inputs)? {
        if let Some(mismatch) = check.mismatch {
            return Err(format!("{case}: {mismatch}").into());
        }
    }
    Ok(())
}

/// Elements of every type.
fn gathers(backend: &Backend) -> Outcome {
    let mut random = Random::new(1);
    for round in 0..4 {
        for dtype in DType::ALL {
            let lines = Lines::new(&mut random);
            let data = numbers(dtype, &lines.data);
            let indices: Tensor = if round % 2 == 0 {
                lines.indices.clone().into()
            } else {
                lines.indices.mapv(|index| index as i32).into()
            };
            let op = GatherElements::new(lines.axis(&mut random));
            let session = session(op, &[&data, &indices], backend)?;
            check(&session, &[&data, &indices], &format!("{op:?} of {dtype}{:?}", lines.data))?;
        }
    }
    let lines = Lines::new(&mut random);
    let data = random.integers(&lines.data);
    let want = Array::from_shape_fn(lines.indices.raw_dim(), |at| data[lines.named(&at)]);
    let (data, indices) = (Tensor::from(data), Tensor::from(lines.indices.clone()));
    let got = session(GatherElements::new(lines.axis as isize), &[&data, &indices], backend)?.run_tensors(&[&data, &indices])?;
    Ok(compare_exact(&got[0], &want)?)
}

/// Updates of every type and of every kind, many of one element.
fn scatters(backend: &Backend) -> Outcome {
    let mut random = Random::new(2);
    for reduction in ScatterReduction::ALL {
        for dtype in DType::ALL {
            let lines = Lines::new(&mut random);
            let (data, updates) = (numbers(dtype, &lines.data), numbers(dtype, lines.indices.shape()));
            let indices = Tensor::from(lines.indices.clone());
            let op = ScatterElements::new(lines.axis(&mut random)).reduction(reduction);
            let types = [&data, &indices, &updates].map(Tensor::tensor_type);
            if Op::from(op).infer(&types.iter().collect::<Vec<&TensorType>>()).is_err() {
                continue;
            }
            // GPUs have 32 bits of `i64`.
            if dtype == DType::I64 && reduction != ScatterReduction::Replace {
                continue;
            }
            let inputs = [&data, &indices, &updates];
            check(
                &session(op, &inputs, backend)?,
                &inputs,
                &format!("{op:?} of {dtype}{:?}", lines.data),
            )?;
        }
    }
    for round in 0..40 {
        by_hand(&mut random, ScatterReduction::ALL[round % 5], backend)?;
    }
    Ok(())
}

/// Updates of small whole numbers one after another, as floats and as whole numbers.
fn by_hand(random: &mut Random, reduction: ScatterReduction, backend: &Backend) -> Outcome {
    let lines = Lines::new(random);
    // Products of nine twos and one eight are still exact.
    let small = |array: ArrayD<f32>| array.mapv(|x| x.clamp(-2.0, 2.0));
    let (data, updates) = (random.integers(&lines.data), small(random.integers(lines.indices.shape())));
    let mut want = data.clone();
    for (at, &update) in updates.indexed_iter() {
        let element = &mut want[lines.named(&at)];
        *element = match reduction {
            ScatterReduction::Replace => update,
            ScatterReduction::Add => *element + update,
            ScatterReduction::Mul => *element * update,
            ScatterReduction::Max => element.max(update),
            ScatterReduction::Min => element.min(update),
            other => return Err(format!("no definition of {other:?}").into()),
        };
    }
    let op = ScatterElements::new(lines.axis(random)).reduction(reduction);
    let indices = Tensor::from(lines.indices.clone());
    let whole = |array: &ArrayD<f32>| Tensor::from(array.mapv(|x| x as i32));
    for (data, updates, want) in [
        (whole(&data), whole(&updates), whole(&want)),
        (data.into(), updates.into(), want.into()),
    ] {
        let inputs = [&data, &indices, &updates];
        let got = session(op, &inputs, backend)?.run_tensors(&inputs)?;
        let shapes = format!("{:?} by {:?}", lines.data, lines.indices.shape());
        compare_exact(&got[0], &want).map_err(|mismatch| format!("{op:?} of {shapes}: {mismatch}"))?;
    }
    Ok(())
}

/// What no index may name: an error, or on a GPU what is documented.
fn out_of_range(backend: &Backend) -> Outcome {
    let data = Tensor::from(ndarray::array![1.0_f32, 2.0, 3.0]);
    let updates = Tensor::from(ndarray::array![7.0_f32, 8.0]);
    let is_gpu = matches!(backend, Backend::Gpu(_));
    for (indices, gathered, scattered) in [([3, 1], [3.0, 2.0], [1.0, 8.0, 3.0]), ([0, -4], [1.0, 1.0], [7.0, 2.0, 3.0])] {
        let indices = Tensor::from(ndarray::arr1(&indices.map(i64::from)));
        let inputs = [&data, &indices, &updates];
        let gather = session(GatherElements::new(0), &inputs[..2], backend)?.run_tensors(&inputs[..2]);
        let scatter = session(ScatterElements::new(0), &inputs, backend)?.run_tensors(&inputs);
        if is_gpu {
            assert_eq!(gather?[0], ndarray::arr1(&gathered).mapv(|x: f64| x as f32).into());
            assert_eq!(scatter?[0], ndarray::arr1(&scattered).mapv(|x: f64| x as f32).into());
            continue;
        }
        for outcome in [gather, scatter] {
            let message = outcome.map_or_else(|error| error.to_string(), |outputs| format!("{outputs:?}"));
            assert!(message.contains("index") || message.contains("indices"), "{message}");
        }
    }
    Ok(())
}
