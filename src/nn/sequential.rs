//! `Sequential`: layers one after another, and whether weights fit them.

use std::collections::BTreeSet;

use super::layer::{Layer, join};
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::weights::{Weights, advice};

/// Layers one after another. Equals `torch.nn.Sequential`, its `state_dict` keys included: `0.weight`, `0.bias`, ..., and
/// `0.1.weight` for a layer of a `Sequential` in a `Sequential`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequential {
    layers: Vec<(String, Layer)>,
}

impl Sequential {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a layer under its number.
    #[expect(clippy::should_implement_trait, reason = "a layer is appended, nothing is summed")]
    pub fn add(self, layer: impl Into<Layer>) -> Self {
        let name = self.layers.len().to_string();
        self.add_named(name, layer)
    }

    /// Appends a layer under a name: its weights are `name.weight` and so on.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.layers.push((name.into(), layer.into()));
        self
    }

    /// The names and shapes of all weights.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let mut list = Vec::new();
        self.list("", &mut list);
        list
    }

    /// The model as a graph with these weights; one input `input`, one output.
    ///
    /// Errors: one that lists every missing, surplus and mis-shaped tensor, and those that do not hold real numbers; the
    /// prefix, where names are there under one. `BatchNorm2d`'s `num_batches_tracked` is no weight and may be there, and so may
    /// whatever else holds no real numbers.
    pub fn graph(&self, weights: &Weights) -> Result<Graph> {
        self.check(weights)?;
        let mut graph = Graph::new();
        let input = graph.input("input");
        let output = self.build(&mut graph, weights, "", input)?;
        graph.output(output)?;
        Ok(graph)
    }

    pub(super) fn list(&self, name: &str, list: &mut Vec<(String, Vec<usize>)>) {
        for (own, layer) in &self.layers {
            layer.list(&join(name, own), list);
        }
    }

    pub(super) fn build(&self, graph: &mut Graph, weights: &Weights, name: &str, input: ValueId) -> Result<ValueId> {
        self.layers.iter().try_fold(input, |value, (own, layer)| {
            layer.build(graph, weights, &join(name, own), value)
        })
    }

    fn check(&self, weights: &Weights) -> Result<()> {
        let expected = self.parameters();
        let missing = |name: &str| weights.get(name).is_none() && weights.unusable(name).is_none();
        // One prefix explains a whole file; its names are then neither missing nor surplus one by one.
        let mut absent = expected.iter().map(|(name, _)| name.as_str()).filter(|name| missing(name));
        let prefix = absent.find_map(|name| weights.prefix_of(name));
        let prefixed = |name: &str| prefix.is_some_and(|prefix| weights.get(&format!("{prefix}{name}")).is_some());
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        let mut explained = 0;
        for (name, shape) in &expected {
            if !names.insert(name.as_str()) {
                problems.push(format!("{name} belongs to two layers of the same name"));
            }
            match (weights.get(name), weights.unusable(name)) {
                (Some(array), _) if array.shape() != shape => {
                    problems.push(format!("{name} should have shape {shape:?}, but has {:?}", array.shape()));
                }
                (Some(_), _) => {}
                (None, Some(reason)) => problems.push(format!("{name} {reason}")),
                (None, None) if prefixed(name) => explained += 1,
                (None, None) => problems.push(format!("{name} {shape:?} is missing")),
            }
        }
        if let Some(prefix) = prefix {
            let (of, advice) = (expected.len(), advice(prefix));
            problems.insert(0, format!("{explained} of {of} names are there behind {prefix:?}: {advice}"));
        }
        let belongs = |name: &str| {
            let stripped = prefix.and_then(|prefix| name.strip_prefix(prefix));
            names.contains(name) || stripped.is_some_and(|name| names.contains(name))
        };
        for name in weights.names() {
            if !name.ends_with(".num_batches_tracked") && !belongs(name) {
                problems.push(format!("{name} belongs to no layer"));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Weights(problems.join("; ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{BatchNorm2d, Concat, Conv2d, ConvTranspose2d, Identity, LayerNorm, Linear, RELU, Residual};
    use crate::{Backend, Session};
    use ndarray::{ArrayD, IxDyn};

    fn model() -> Sequential {
        Sequential::new()
            .add(Conv2d::new(4, 6, [3, 5]).groups(2))
            .add(RELU)
            .add_named("head", Linear::new(8, 2).bias(false))
    }

    #[test]
    fn parameters_have_pytorchs_names_and_shapes() {
        let expected = [
            ("0.weight", vec![6, 2, 3, 5]),
            ("0.bias", vec![6]),
            ("head.weight", vec![2, 8]),
        ];
        assert_eq!(model().parameters(), expected.map(|(name, shape)| (name.to_owned(), shape)));
    }

    #[test]
    fn every_problem_of_the_weights_is_listed_at_once() {
        let mut weights = Weights::new();
        weights.insert("0.weight", ArrayD::zeros(IxDyn(&[6, 4, 3, 5])));
        weights.insert("0.bias", ArrayD::zeros(IxDyn(&[6])));
        weights.insert("tail.weight", ArrayD::zeros(IxDyn(&[1])));
        let message = model().graph(&weights).unwrap_err().to_string();
        for part in [
            "0.weight should have shape [6, 2, 3, 5], but has [6, 4, 3, 5]",
            "head.weight [2, 8] is missing",
            "tail.weight belongs",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }

    fn filled(model: &Sequential, prefix: &str) -> Weights {
        let mut weights = Weights::new();
        for (name, shape) in model.parameters() {
            weights.insert(format!("{prefix}{name}"), ArrayD::from_elem(IxDyn(&shape), 1.0));
        }
        weights
    }

    fn names(model: &Sequential) -> Vec<String> {
        model.parameters().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn layers_in_layers_have_the_names_of_all_around_them() {
        let inner = Sequential::new().add(Identity).add(Linear::new(2, 2).bias(false));
        let block = Residual::new(inner.clone()).shortcut("downsample", inner.clone());
        let model = Sequential::new()
            .add(inner)
            .add_named("block", block)
            .add(Concat::new().add(Identity).add_named("grown", Linear::new(2, 1)));
        let expected = [
            "0.1.weight",
            "block.1.weight",
            "block.downsample.1.weight",
            "2.grown.weight",
            "2.grown.bias",
        ];
        assert_eq!(names(&model), expected);
    }

    #[test]
    fn blocks_add_and_join_what_goes_two_ways() {
        let double = |shortcut: bool| {
            let conv = || Sequential::new().add(Conv2d::new(1, 1, 1));
            let block = Residual::new(conv());
            if shortcut {
                block.shortcut("past", conv().add(RELU))
            } else {
                block.activation(RELU)
            }
        };
        let run = |model: Sequential, input: &[f32]| {
            let input = ArrayD::from_shape_vec(IxDyn(&[1, 1, 1, input.len()]), input.to_vec()).unwrap();
            let session = Session::new(model.graph(&filled(&model, "")).unwrap(), &Backend::Reference).unwrap();
            session.run(&[input.view()]).unwrap().swap_remove(0)
        };
        // The convolution adds 1.
        let sum = run(Sequential::new().add(double(false)), &[3.0, -2.0]);
        assert_eq!(sum.as_slice(), Some(&[7.0, 0.0][..]));
        let sum = run(Sequential::new().add(double(true)), &[3.0, -2.0]);
        assert_eq!(sum.as_slice(), Some(&[8.0, -1.0][..]));
        let joined = run(Sequential::new().add(Concat::new().add(Identity).add(RELU)), &[3.0, -2.0]);
        assert_eq!(
            (joined.shape(), joined.as_slice()),
            (&[1, 2, 1, 2][..], Some(&[3.0, -2.0, 3.0, 0.0][..]))
        );
        // Each element is spread over two columns of two channels, with a bias of 1.
        let spread = run(
            Sequential::new().add(ConvTranspose2d::new(1, 2, [1, 2]).stride([1, 2])),
            &[3.0, -2.0],
        );
        assert_eq!(spread.as_slice(), Some(&[4.0, 4.0, -1.0, -1.0, 4.0, 4.0, -1.0, -1.0][..]));
        // A mean of 2 and a variance of 1, with the 3 a deviation of 2; a bias of 1, and none.
        let norm = LayerNorm::new([1, 2]).eps(3.0);
        assert_eq!(
            run(Sequential::new().add(norm.clone()), &[3.0, 1.0]).as_slice(),
            Some(&[1.5, 0.5][..])
        );
        let norm = Sequential::new().add(norm.bias(false));
        assert_eq!(norm.parameters(), [("0.weight".to_owned(), vec![1, 2])]);
        assert_eq!(run(norm, &[3.0, 1.0]).as_slice(), Some(&[0.5, -0.5][..]));
        let grouped = Sequential::new().add(ConvTranspose2d::new(6, 4, [1, 2]).groups(2));
        assert_eq!(grouped.parameters()[0].1, [6, 2, 1, 2]);
    }

    #[test]
    fn a_prefix_is_suggested_instead_of_every_name() {
        let model = Sequential::new().add(BatchNorm2d::new(3)).add(Linear::new(3, 2));
        let mut weights = filled(&model, "module.");
        weights.insert("module.0.num_batches_tracked", ArrayD::zeros(IxDyn(&[])));
        let message = model.graph(&weights).unwrap_err().to_string();
        assert_eq!(
            message,
            "weights: 6 of 6 names are there behind \"module.\": Weights::strip_prefix(\"module.\") takes the prefix off"
        );
        assert!(model.graph(&weights.strip_prefix("module.").unwrap()).is_ok());
    }

    #[test]
    fn two_layers_of_one_name_are_refused() {
        let model = Sequential::new().add(Linear::new(1, 1)).add_named("0", Linear::new(1, 1));
        let message = model.graph(&filled(&model, "")).unwrap_err().to_string();
        assert!(message.contains("0.bias belongs to two layers"), "{message}");
    }

    #[cfg(feature = "safetensors")]
    #[test]
    fn a_tensor_that_holds_no_reals_is_refused_where_a_layer_asks_for_it() {
        use std::collections::BTreeMap;

        use safetensors::{Dtype, serialize, tensor::TensorView};

        let model = Sequential::new().add(Linear::new(1, 1).bias(false));
        let read = |name: &str| {
            let view = |dtype, bytes| TensorView::new(dtype, vec![1, 1], bytes).unwrap();
            let tensors = [("0.weight", view(Dtype::F32, &[0; 4])), (name, view(Dtype::I64, &[0; 8]))];
            model.graph(&Weights::from_safetensors(&serialize(BTreeMap::from(tensors), None).unwrap()).unwrap())
        };
        assert!(read("positions").is_ok());
        let message = read("0.weight").unwrap_err().to_string();
        assert_eq!(message, "weights: 0.weight is I64, but F16, BF16, F32 or F64 is expected");
    }
}
