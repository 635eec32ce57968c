//! What can be measured: a model at several sizes, a layer, an operator.

use std::time::Instant;

use ndarray::ArrayD;

use super::report::Sweep;
use crate::layers::Layer;
use convoke::graph::Graph;
use convoke::onnx::{Dim, Model, Shapes, TensorInfo};
use convoke::ops::Op;
use convoke::testing::Random;
use convoke::{Error, Result, Session};

const NAME: &str = "benchmark";

/// Returns [`Error::InvalidArgument`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(Error::invalid(NAME, format!($($message)+)));
        }
    };
}

/// Something to measure at one size or several.
pub struct Case<'a> {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) sweep: Option<Sweep>,
    pub(super) read: Option<f64>,
    pub(super) sizes: Vec<usize>,
    make: Box<dyn Fn(usize) -> Result<Problem> + 'a>,
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Case");
        fields.field("name", &self.name).field("sweep", &self.sweep);
        fields.field("sizes", &self.sizes).finish_non_exhaustive()
    }
}

/// A graph with its inputs.
pub(super) struct Problem {
    pub(super) graph: Graph,
    /// Real numbers, roughly standard normal, the same in each run. Zeros would be faster: half of their products cost less
    /// power, and some of them are skipped.
    pub(super) inputs: Vec<ArrayD<f32>>,
    /// The seconds that making the graph took.
    pub(super) seconds: f64,
}

impl<'a> Case<'a> {
    /// A model with random inputs. `given` has the shapes of inputs by name; an open first extent is 1 otherwise. With a sweep
    /// the model is measured at each of its sizes, which take the place of what the file leaves open and `given` says.
    ///
    /// Errors: a sweep over what the file has fixed; an extent that stays open; a size of 0; no sizes.
    pub fn model(
        name: &str,
        model: &'a Model,
        read: f64,
        given: &[(String, Vec<usize>)],
        sweep: Option<(Sweep, &[usize])>,
    ) -> Result<Self> {
        let description = format!("ONNX model, opset {}, {} parameters", model.opset(), model.parameters());
        let inputs = model.inputs().to_vec();
        Self::of(name, description, inputs, read, given, sweep, |shapes| model.graph(shapes))
    }

    /// The same of a compiled model, from a session that was loaded ([`Session::load`]), whose backend does not matter. `read` are the
    /// seconds that loading took.
    ///
    /// Errors: as [`model`](Self::model); shapes that it was not compiled for, when it is measured.
    pub fn compiled(
        name: &str,
        session: &'a Session,
        read: f64,
        given: &[(String, Vec<usize>)],
        sweep: Option<(Sweep, &[usize])>,
    ) -> Result<Self> {
        let inputs: Vec<TensorInfo> = session.inputs().into_iter().map(TensorInfo::from).collect();
        let names: Vec<String> = inputs.iter().map(|info| info.name.clone()).collect();
        let graph = move |shapes: &Shapes| {
            let shapes: Vec<&[usize]> = names.iter().filter_map(|name| shapes.of_input(name)).collect();
            session.graph(&shapes).map(|graph| Graph::clone(&graph))
        };
        Self::of(name, "compiled model".to_owned(), inputs, read, given, sweep, graph)
    }

    /// What gives a graph for shapes of these inputs.
    fn of(
        name: &str,
        description: String,
        inputs: Vec<TensorInfo>,
        read: f64,
        given: &[(String, Vec<usize>)],
        sweep: Option<(Sweep, &[usize])>,
        graph: impl Fn(&Shapes) -> Result<Graph> + 'a,
    ) -> Result<Self> {
        for (input, _) in given {
            let known = inputs.iter().any(|info| info.name == *input);
            ensure!(known, "there is no input {input:?}");
        }
        let (sweep, sizes) = match sweep {
            Some((sweep, sizes)) => (Some(sweep), sizes.to_vec()),
            None => (None, vec![1]),
        };
        ensure!(!sizes.is_empty() && !sizes.contains(&0), "sizes must be 1 at least");
        if let Some(sweep) = sweep {
            let swept = |info: &TensorInfo| info.dims.as_deref().is_some_and(|dims| is_open(dims, sweep));
            let list = || inputs.iter().map(TensorInfo::to_string).collect::<Vec<_>>().join(", ");
            let what = match sweep {
                Sweep::Batch => "the first extent",
                Sweep::Size => "height and width, the last two of four extents,",
            };
            ensure!(
                inputs.iter().any(swept),
                "no sweep over the {}: {what} must be open in the file, and there is {}",
                sweep.name(),
                list()
            );
        }
        let given = given.to_vec();
        let shapes = move |size: usize| -> Result<Vec<(String, Vec<usize>)>> {
            let shape = |info: &TensorInfo| {
                let given = given.iter().find(|(name, _)| *name == info.name);
                let known = given.map(|(_, extents)| extents.as_slice());
                Ok((info.name.clone(), extents(info, known, sweep, size)?))
            };
            inputs.iter().map(shape).collect()
        };
        // What is wrong with the shapes is wrong at every size.
        shapes(sizes[0])?;
        let make = move |size: usize| {
            let inputs = shapes(size)?;
            let shapes = inputs.iter().fold(Shapes::new(), |shapes, (name, extents)| {
                shapes.input(name, extents.as_slice())
            });
            let start = Instant::now();
            let graph = graph(&shapes)?;
            let seconds = start.elapsed().as_secs_f64();
            let mut random = Random::new(0);
            let inputs = inputs.iter().map(|(_, extents)| random.reals(extents)).collect();
            Ok(Problem { graph, inputs, seconds })
        };
        Ok(Self {
            name: name.to_owned(),
            description,
            sweep,
            read: Some(read),
            sizes,
            make: Box::new(make),
        })
    }

    /// One operator. The first shape is the input's; the others are weights.
    pub fn operator(name: &str, op: impl Into<Op>, shapes: &[&[usize]]) -> Self {
        let (op, shapes) = (op.into(), shapes.iter().map(|shape| shape.to_vec()).collect::<Vec<_>>());
        let description = format!(
            "{} {}",
            op.name(),
            shapes
                .iter()
                .map(|shape| extents_text(shape))
                .collect::<Vec<_>>()
                .join(" by ")
        );
        let owned = name.to_owned();
        let make = move |_| operator_problem(&owned, &op, &shapes);
        Self {
            name: name.to_owned(),
            description,
            sweep: None,
            read: None,
            sizes: vec![1],
            make: Box::new(make),
        }
    }

    /// A layer of a network.
    pub fn layer(layer: &Layer) -> Self {
        let shapes: Vec<&[usize]> = std::iter::once(layer.input).chain(layer.weight).collect();
        Self::operator(layer.name, layer.op.clone(), &shapes)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn problem(&self, size: usize) -> Result<Problem> {
        (self.make)(size)
    }
}

/// Extents as `1x3x224x224`.
pub(super) fn extents_text(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn operator_problem(name: &str, op: &Op, shapes: &[Vec<usize>]) -> Result<Problem> {
    let mut random = Random::new(1);
    let mut arrays: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.reals(shape)).collect();
    if let (Op::BatchNorm(_), Some(variance)) = (op, arrays.get_mut(2)) {
        variance.mapv_inplace(|value| value.abs() + 0.5);
    }
    let mut arrays = arrays.into_iter();
    let inputs: Vec<ArrayD<f32>> = arrays.next().into_iter().collect();
    let start = Instant::now();
    let mut graph = Graph::new();
    let mut operands = vec![graph.input("input")];
    operands.extend(
        (1..)
            .zip(arrays)
            .map(|(index, array)| graph.constant(format!("operand {index}"), array)),
    );
    for output in graph.node_outputs(name, op.clone(), &operands)? {
        graph.output(output)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Problem { graph, inputs, seconds })
}

/// Whether a file leaves open what is swept.
fn is_open(dims: &[Dim], sweep: Sweep) -> bool {
    let open = |dim: &Dim| !matches!(dim, Dim::Known(_));
    match sweep {
        Sweep::Batch => dims.first().is_some_and(open),
        Sweep::Size => dims.len() == 4 && dims[2..].iter().all(open),
    }
}

/// The shape of an input at a size.
fn extents(info: &TensorInfo, given: Option<&[usize]>, sweep: Option<Sweep>, size: usize) -> Result<Vec<usize>> {
    let missing = |what: &str| Error::invalid(NAME, format!("input {info}: {what}; its shape must be given (--shape)"));
    let Some(dims) = info.dims.as_deref() else {
        return given
            .map(<[usize]>::to_vec)
            .ok_or_else(|| missing("the file declares no extents"));
    };
    if let Some(given) = given {
        ensure!(
            given.len() == dims.len(),
            "input {info} has {} extents, but {} are given",
            dims.len(),
            given.len()
        );
    }
    let swept = sweep.filter(|&sweep| is_open(dims, sweep));
    let extents = dims.iter().enumerate().map(|(index, dim)| match (dim, swept) {
        (Dim::Known(extent), _) => Ok(given.map_or(*extent, |given| given[index])),
        (_, Some(Sweep::Batch)) if index == 0 => Ok(size),
        (_, Some(Sweep::Size)) if index >= 2 => Ok(size),
        _ => match given {
            Some(given) => Ok(given[index]),
            None if index == 0 => Ok(1),
            None => Err(missing(&format!("extent {index} is open"))),
        },
    });
    extents.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenet() -> Model {
        Model::open("../../models/lenet5.onnx").unwrap()
    }

    #[test]
    fn a_batch_takes_the_place_of_the_open_extent() {
        let model = lenet();
        let case = Case::model("lenet5", &model, 0.0, &[], Some((Sweep::Batch, &[1, 3]))).unwrap();
        assert_eq!(case.problem(3).unwrap().inputs[0].shape(), [3, 1, 28, 28]);
        let problem = case.problem(1).unwrap();
        let input = &problem.inputs[0];
        assert_eq!(*input, case.problem(1).unwrap().inputs[0], "the same each time");
        assert!(input.iter().all(|&value| value != 0.0), "no zeros");
    }

    #[test]
    fn what_the_file_fixes_or_leaves_open_is_said() {
        let model = lenet();
        let error = |sweep| Case::model("lenet5", &model, 0.0, &[], Some(sweep)).unwrap_err().to_string();
        let message = error((Sweep::Size, &[32]));
        assert!(
            message.contains("size") && message.contains("input [batch, 1, 28, 28]"),
            "{message}"
        );
        assert!(error((Sweep::Batch, &[1, 0])).contains("1 at least"));
        let given = [("image".to_owned(), vec![1, 1, 28, 28])];
        let message = Case::model("lenet5", &model, 0.0, &given, None).unwrap_err().to_string();
        assert!(message.contains("no input \"image\""), "{message}");
    }

    #[test]
    fn open_extents_are_swept_given_or_1() {
        let model = lenet();
        let open = |name: &str| Dim::Symbol(name.to_owned());
        let mut info = model.inputs()[0].clone();
        info.dims = Some(vec![open("n"), Dim::Known(3), open("h"), open("w")]);
        assert_eq!(extents(&info, None, Some(Sweep::Size), 64).unwrap(), [1, 3, 64, 64]);
        let given: &[usize] = &[2, 3, 20, 30];
        assert_eq!(extents(&info, Some(given), Some(Sweep::Batch), 8).unwrap(), [8, 3, 20, 30]);
        assert_eq!(extents(&info, Some(given), Some(Sweep::Size), 8).unwrap(), [2, 3, 8, 8]);
        let message = extents(&info, None, Some(Sweep::Batch), 8).unwrap_err().to_string();
        assert!(
            message.contains("extent 2 is open") && message.contains("--shape"),
            "{message}"
        );
        assert!(extents(&info, Some(&[1, 3]), None, 1).is_err());
        info.dims = None;
        assert!(extents(&info, None, None, 1).is_err());
    }
}
