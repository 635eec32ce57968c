//! Models in which a shape, a branch or a number of rounds depends on what the network computes: a graph for what can be converted,
//! and once that has run the next one, for which more is known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::builder::{Builder, Value};
use super::nodes::{Conversion, found, note_uses};
use super::splice::Splice;
use super::{finish, give, start};
use crate::error::{Error, Result};
use crate::graph::passes::Evaluate;
use crate::graph::{Graph, Next, Stage, ValueId};
use crate::onnx::model::Model;
use crate::onnx::proto::NodeProto;
use crate::onnx::types::Shapes;
use crate::tensor::Tensor;

/// The graph of a model for these shapes, and what is left for others after it.
pub(crate) fn staged(model: &Arc<Model>, shapes: &Shapes, evaluate: Evaluate) -> Result<Stage> {
    let (converted, spliced) = first(model, shapes, evaluate)?;
    Ok(converted.stage(spliced.as_ref().unwrap_or(model)))
}

/// Refuses what [`staged`] refuses.
pub(crate) fn check(model: &Model, shapes: &Shapes, evaluate: Evaluate) -> Result<()> {
    first(model, shapes, evaluate).map(drop)
}

fn first(model: &Model, shapes: &Shapes, evaluate: Evaluate) -> Result<(Converted, Option<Arc<Model>>)> {
    let all: Vec<usize> = (0..model.nodes.len()).collect();
    splicing(model, all, |model, nodes| {
        let builder = start(model, shapes, evaluate)?;
        Converting::new(model, builder).convert(nodes, &vec![false; model.outputs.len()])
    })
}

/// Converts, with branches and rounds of loops in the places of their nodes where that lets parts of them wait; the model that has
/// them is given, too.
fn splicing(
    model: &Model,
    mut nodes: Vec<usize>,
    convert: impl Fn(&Model, &[usize]) -> Result<Outcome>,
) -> Result<(Converted, Option<Arc<Model>>)> {
    let mut spliced: Option<Arc<Model>> = None;
    loop {
        let current = spliced.as_deref().unwrap_or(model);
        match convert(current, &nodes)? {
            Outcome::Converted(converted) => return Ok((*converted, spliced)),
            Outcome::Splice { node, splice } => {
                let (replaced, added) = splice.apply(current, node)?;
                let moved = |&index: &usize| index + added - 1;
                let before = nodes.iter().filter(|&&index| index < node).copied();
                let after = nodes.iter().filter(|&&index| index > node).map(moved);
                nodes = before.chain(node..node + added).chain(after).collect();
                spliced = Some(Arc::new(replaced));
            }
        }
    }
}

/// What comes of converting what can be converted.
enum Outcome {
    Converted(Box<Converted>),
    /// It is known what a node's graphs come to, and something in them has to wait: that is to stand in the node's place.
    Splice {
        node: usize,
        splice: Splice,
    },
}

/// What was converted for a stage, and what was not.
struct Converted {
    graph: Graph,
    gives: Vec<usize>,
    left: Option<Left>,
}

impl Converted {
    fn stage(self, model: &Arc<Model>) -> Stage {
        let rest = self.left.map(|left| Rest {
            model: Arc::clone(model),
            left,
        });
        Stage {
            graph: Arc::new(self.graph),
            gives: self.gives,
            next: rest.map(|rest| Arc::new(rest) as Arc<dyn Next>),
        }
    }
}

/// A model of which some has been converted.
#[derive(Debug)]
struct Rest {
    model: Arc<Model>,
    left: Left,
}

/// What is left of a model after a stage.
#[derive(Debug)]
struct Left {
    /// The nodes that the next stage converts, in their order.
    nodes: Vec<usize>,
    /// Those that are computed before it, of known elements: what they give may have any shape.
    between: Vec<usize>,
    /// What either of them use of what there is.
    values: BTreeMap<String, Held>,
    /// The element types that the file gives them where tensors are of others here.
    elements: BTreeMap<String, i32>,
    /// How many tensors the stage gives for these.
    given: usize,
    /// Of those tensors, and then of what the nodes between stages give: whether the next stage depends on the elements.
    known: Vec<bool>,
    /// Which outputs of the model there have been.
    is_given: Vec<bool>,
}

/// A value between two stages.
#[derive(Debug)]
enum Held {
    /// It was known when the stage was made.
    Known(Tensor),
    /// The stage computes it.
    Given(usize),
    Sequence(Vec<Held>),
    Empty,
    Missing(String),
}

/// A stage being made.
struct Converting<'m> {
    builder: Builder<'m>,
    conversion: Conversion<'m>,
    /// What nodes that wait would give.
    late: HashSet<&'m str>,
    /// What comes of nodes between stages, of those names.
    between: HashSet<&'m str>,
    /// What must be known in the next stage.
    wanted: HashSet<ValueId>,
    /// The nodes that asked for it, with what is refused where there is no next stage.
    refused: Vec<(usize, Error)>,
}

/// What becomes of a node in this stage.
enum Fate {
    Converted,
    /// Its inputs' elements are needed, and its outputs have whatever shape comes of them.
    Between,
    /// For the next stage.
    Waits,
    /// Has something in it that waits, and this can stand in its place.
    Splice(Splice),
}

impl<'m> Converting<'m> {
    fn new(model: &'m Model, builder: Builder<'m>) -> Self {
        let mut conversion = Conversion::new(model);
        conversion.is_staged = true;
        Self {
            builder,
            conversion,
            late: HashSet::new(),
            between: HashSet::new(),
            wanted: HashSet::new(),
            refused: Vec::new(),
        }
    }

    /// Converts of these nodes what can be converted now.
    fn convert(mut self, nodes: &[usize], was_given: &[bool]) -> Result<Outcome> {
        let model = self.builder.model;
        let (mut waiting, mut between) = (Vec::new(), Vec::new());
        for &index in nodes {
            match self.node(index, &model.nodes[index])? {
                Fate::Converted => {}
                Fate::Between => between.push(index),
                Fate::Waits => waiting.push(index),
                Fate::Splice(splice) => return Ok(Outcome::Splice { node: index, splice }),
            }
        }
        let (mut gives, mut is_given) = (Vec::new(), was_given.to_vec());
        for (index, output) in model.outputs.iter().enumerate() {
            if !was_given[index] && !self.late.contains(output.name.as_str()) {
                give(&mut self.builder, &mut self.conversion, output)?;
                gives.push(index);
                is_given[index] = true;
            }
        }
        let mut left = None;
        if !waiting.is_empty() || !between.is_empty() {
            let is_stuck = waiting.len() == nodes.len();
            let rest = left.insert(self.left(waiting, between, is_given)?);
            if is_stuck && !rest.known.contains(&true) {
                // Nothing would be known in another stage that is not known in this one.
                for (index, error) in std::mem::take(&mut self.refused) {
                    self.conversion
                        .note(&mut self.builder, index, &model.nodes[index], Err(error))?;
                }
            }
        }
        finish(model, self.conversion)?;
        Ok(Outcome::Converted(Box::new(Converted {
            graph: self.builder.graph,
            gives,
            left,
        })))
    }

    fn node(&mut self, index: usize, node: &'m NodeProto) -> Result<Fate> {
        if !self.late.is_empty() {
            let mut used = HashSet::new();
            note_uses([node], &mut used);
            let late: Vec<&str> = used.into_iter().filter(|name| self.late.contains(name)).collect();
            if !late.is_empty() {
                let outcome = Conversion::check_operator(self.builder.model, node);
                let is_between = is_of_elements(node) && late.iter().all(|name| self.between.contains(name));
                self.conversion.note(&mut self.builder, index, node, outcome)?;
                return Ok(self.postpone(node, is_between));
            }
        }
        self.builder.wanted.take();
        match self.conversion.node(&mut self.builder, node) {
            Err(error @ Error::Unsupported { .. }) if self.builder.wants_more() => {
                if let Some(splice) = Splice::of(&self.builder, node)? {
                    return Ok(Fate::Splice(splice));
                }
                let is_between = is_of_elements(node);
                if !is_between {
                    self.want(node)?;
                    self.refused.push((index, error));
                }
                Ok(self.postpone(node, is_between))
            }
            outcome => {
                self.conversion.note(&mut self.builder, index, node, outcome)?;
                Ok(Fate::Converted)
            }
        }
    }

    /// Notes what the next stage must know for a node: what its conversion asked for, and whatever else it may ask for then.
    fn want(&mut self, node: &'m NodeProto) -> Result<()> {
        self.wanted.extend(self.builder.wanted.take());
        for name in node.input.iter().filter(|name| !name.is_empty()) {
            if let Value::Tensor { id, kind } = self.builder.value(name)?
                && !kind.dtype.is_float()
                && kind.shape.len() <= 1
            {
                self.wanted.insert(id);
            }
        }
        Ok(())
    }

    fn postpone(&mut self, node: &'m NodeProto, is_between: bool) -> Fate {
        let outputs = node.output.iter().map(String::as_str).filter(|name| !name.is_empty());
        for name in outputs {
            self.builder.values.remove(name);
            self.late.insert(name);
            if is_between {
                self.between.insert(name);
            }
        }
        if is_between { Fate::Between } else { Fate::Waits }
    }

    /// What is left, with all that it uses made outputs of this stage's graph.
    fn left(&mut self, nodes: Vec<usize>, between: Vec<usize>, is_given: Vec<bool>) -> Result<Left> {
        let model = self.builder.model;
        let mut used = HashSet::new();
        note_uses(nodes.iter().chain(&between).map(|&index| &model.nodes[index]), &mut used);
        let outputs = model.outputs.iter().zip(&is_given).filter(|(_, is_given)| !**is_given);
        used.extend(outputs.map(|(output, _)| output.name.as_str()));
        let mut carried = Carried::default();
        let (mut values, mut elements) = (BTreeMap::new(), BTreeMap::new());
        for name in used {
            if let Some(&element) = self.builder.elements.get(name) {
                elements.insert(name.to_owned(), element);
            }
            if let Some(value) = self.builder.values.get(name).cloned() {
                values.insert(name.to_owned(), self.hold(name, &value, &mut carried)?);
            }
        }
        let given = carried.known.len();
        let computed = between.iter().flat_map(|&index| outputs_of(&model.nodes[index])).count();
        carried.known.resize(given + computed, false);
        Ok(Left {
            nodes,
            between,
            values,
            elements,
            given,
            known: carried.known,
            is_given,
        })
    }

    fn hold(&mut self, name: &str, value: &Value, carried: &mut Carried) -> Result<Held> {
        Ok(match value {
            Value::Host(host) => Held::Known(host.clone()),
            Value::Missing(reason) => Held::Missing(reason.clone()),
            Value::Empty => Held::Empty,
            Value::Sequence(values) => {
                let held = values.iter().map(|value| self.hold(name, value, carried));
                Held::Sequence(held.collect::<Result<_>>()?)
            }
            Value::Tensor { id, .. } => {
                if let Some(known) = self.builder.known(value)? {
                    return Ok(Held::Known(known));
                }
                if let Some(&place) = carried.places.get(id) {
                    return Ok(Held::Given(place));
                }
                let place = carried.known.len();
                carried.places.insert(*id, place);
                carried.known.push(self.wanted.contains(id));
                self.builder.output(name, value)?;
                Held::Given(place)
            }
        })
    }
}

/// What a stage gives to the next.
#[derive(Default)]
struct Carried {
    places: HashMap<ValueId, usize>,
    known: Vec<bool>,
}

/// Whether an operator is computed of known elements alone.
fn is_of_elements(node: &NodeProto) -> bool {
    matches!(found(node), (Some(_), None))
}

fn outputs_of(node: &NodeProto) -> impl Iterator<Item = &str> {
    node.output.iter().map(String::as_str).filter(|name| !name.is_empty())
}

impl Held {
    /// As a value of the next graph.
    fn value(&self, given: &[Value]) -> Value {
        match self {
            Self::Known(known) => Value::Host(known.clone()),
            Self::Given(place) => given[*place].clone(),
            Self::Sequence(held) => Value::Sequence(held.iter().map(|held| held.value(given)).collect()),
            Self::Empty => Value::Empty,
            Self::Missing(reason) => Value::Missing(reason.clone()),
        }
    }
}

impl Left {
    /// Gives a builder what there is under its names.
    fn insert<'m>(&'m self, builder: &mut Builder<'m>, given: &[Value]) {
        for (name, held) in &self.values {
            builder.values.insert(name, held.value(given));
        }
        for (name, &element) in &self.elements {
            builder.elements.insert(name, element);
        }
    }
}

impl Next for Rest {
    fn complete(&self, mut given: Vec<Tensor>, evaluate: Evaluate) -> Result<Vec<Tensor>> {
        if self.left.between.is_empty() {
            return Ok(given);
        }
        let mut builder = Builder::new(&self.model, evaluate);
        let hosts: Vec<Value> = given.iter().cloned().map(Value::Host).collect();
        self.left.insert(&mut builder, &hosts);
        let mut conversion = Conversion::new(&self.model);
        for &index in &self.left.between {
            let node = &self.model.nodes[index];
            let outcome = conversion.node(&mut builder, node);
            conversion.note(&mut builder, index, node, outcome)?;
            for name in outputs_of(node) {
                let value = builder.value(name)?;
                match builder.known(&value)? {
                    Some(tensor) => given.push(tensor),
                    // It is listed, or nothing uses it.
                    None => given.push(crate::onnx::tensor::scalar(0)),
                }
            }
        }
        finish(&self.model, conversion)?;
        Ok(given)
    }

    fn known(&self) -> &[bool] {
        &self.left.known
    }

    fn stage(&self, tensors: &[Tensor], evaluate: Evaluate) -> Result<Stage> {
        let (converted, spliced) = splicing(&self.model, self.left.nodes.clone(), |model, nodes| {
            let builder = self.builder(model, tensors, evaluate);
            Converting::new(model, builder).convert(nodes, &self.left.is_given)
        })?;
        Ok(converted.stage(spliced.as_ref().unwrap_or(&self.model)))
    }
}

impl Rest {
    /// A builder that has what there is. Of the model, which may have branches in the places of nodes, it needs the values.
    fn builder<'m>(&'m self, model: &'m Model, tensors: &[Tensor], evaluate: Evaluate) -> Builder<'m> {
        let mut builder = Builder::new(model, evaluate);
        let mut given = Vec::new();
        for (place, (tensor, is_known)) in tensors.iter().zip(&self.left.known).enumerate() {
            given.push(if *is_known {
                Value::Host(tensor.clone())
            } else {
                builder.input(&format!("stage/{place}"), tensor.tensor_type())
            });
        }
        self.left.insert(&mut builder, &given);
        let between = self
            .left
            .between
            .iter()
            .flat_map(|&index| outputs_of(&self.model.nodes[index]));
        for (name, value) in between.zip(&given[self.left.given..]) {
            builder.values.insert(name, value.clone());
        }
        builder
    }
}
