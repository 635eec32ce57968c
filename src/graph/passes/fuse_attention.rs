//! Makes two matrix products with a softmax between them attention, for which no backend needs all scores in memory.
//!
//! Exporters write `softmax(query @ transposed key) @ value` with a scale before the first product, on either side or both, or after
//! it, and then what is added to the scores: tables of positions and masks, for which the leading dimensions may be split.

use std::collections::HashSet;

use crate::graph::uses::Uses;
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Binary, Op, Reshape, ScaledDotProductAttention, Transpose};
use crate::shape::signed;

/// The largest queries and values of fewer keys. Scores of fewer keys than a query has elements take less memory than the queries do.
const LARGEST: usize = 256;
/// Operators that are looked through from a softmax to its product, and from there to what is multiplied.
const MOST_BETWEEN: usize = 16;

/// `shapes` has the shape of every value.
pub(super) fn run(graph: &mut Graph, shapes: &[Vec<usize>]) {
    let finder = Finder {
        uses: Uses::of(graph),
        graph,
        shapes,
    };
    let found: Vec<Option<Attention>> = (0..graph.nodes.len()).map(|index| finder.attention(index)).collect();
    let mut dead = HashSet::new();
    for (node, attention) in std::mem::take(&mut graph.nodes).into_iter().zip(found) {
        match attention {
            Some(attention) => {
                dead.extend(attention.dead.iter().copied());
                attention.emit(&node, graph);
            }
            None => graph.nodes.push(node),
        }
    }
    graph.nodes.retain(|node| !dead.contains(&node.outputs[0]));
}

/// Attention that a graph has in parts.
struct Attention {
    query: ValueId,
    /// Keys `[.., S, E]` once their axes are in this order.
    key: ValueId,
    key_order: Vec<usize>,
    value: ValueId,
    scale: f64,
    /// What scores are multiplied with besides, one number for each matrix of them.
    factors: Vec<ValueId>,
    masks: Vec<Mask>,
    /// The leading dimensions, as queries and keys have them, as values have them, and as all masks broadcast to them.
    batches: [Vec<usize>; 3],
    /// L, S, E and EV.
    extents: [usize; 4],
    /// Values between the parts.
    dead: Vec<ValueId>,
}

/// What is added to scores.
struct Mask {
    value: ValueId,
    /// With ones before it, as many dimensions as the scores have.
    shape: Vec<usize>,
    /// The scores' shape where it is added.
    scores: Vec<usize>,
}

impl Mask {
    /// Its shape where the scores' leading dimensions are split into these; none where they cannot be.
    fn split(&self, batch: &[usize]) -> Option<Vec<usize>> {
        let leading = self.shape.len() - 2;
        let mut parts = batch.iter();
        let mut shape = Vec::with_capacity(batch.len() + 2);
        for (&own, &extent) in self.shape[..leading].iter().zip(&self.scores) {
            let mut product = 1;
            while product < extent {
                let part = *parts.next()?;
                product *= part;
                shape.push(if own == 1 { 1 } else { part });
            }
            if product != extent {
                return None;
            }
        }
        shape.extend(parts);
        shape.extend_from_slice(&self.shape[leading..]);
        Some(shape)
    }
}

struct Finder<'a> {
    graph: &'a Graph,
    uses: Uses,
    shapes: &'a [Vec<usize>],
}

impl Finder<'_> {
    fn shape(&self, value: ValueId) -> &[usize] {
        &self.shapes[value.0]
    }

    /// The attention of which this node is the product of values.
    fn attention(&self, index: usize) -> Option<Attention> {
        let node = &self.graph.nodes[index];
        let (Op::MatMul(_), &[weights, value]) = (&node.op, node.inputs.as_slice()) else {
            return None;
        };
        let softmax = &self.graph.nodes[self.uses.sole(weights)?];
        let scores = softmax.inputs[0];
        let is_along_rows = match softmax.op {
            Op::Softmax(op) => !op.log && op.resolved_axis(self.shape(scores)).ok()? + 1 == self.shape(scores).len(),
            _ => false,
        };
        let [batch @ .., _, value_size] = self.shape(value) else {
            return None;
        };
        let [own_batch @ .., _, _] = self.shape(scores) else {
            return None;
        };
        if !is_along_rows || own_batch != batch {
            return None;
        }
        let mut attention = self.scores(scores, MOST_BETWEEN)?;
        attention.value = value;
        attention.batches[1] = batch.to_vec();
        attention.extents[3] = *value_size;
        attention.dead.push(weights);
        let [_, keys, size, value_size] = attention.extents;
        let is_empty = [&attention.batches[0][..], &attention.extents].concat().contains(&0);
        let is_scaled = (attention.scale as f32).is_normal();
        if is_empty || !is_scaled || size.max(value_size) > keys.max(LARGEST) {
            return None;
        }
        let longest = attention.masks.iter().map(|mask| &mask.scores[..mask.scores.len() - 2]);
        let longest = longest.chain([&attention.batches[0][..]]).max_by_key(|batch| batch.len())?;
        attention.batches[2] = longest.to_vec();
        let splits = attention.masks.iter().all(|mask| mask.split(&attention.batches[2]).is_some());
        splits.then_some(attention)
    }

    /// Scores without other uses, as far as they are known by themselves, with a product at most so many operators before them.
    fn scores(&self, scores: ValueId, most: usize) -> Option<Attention> {
        let most = most.checked_sub(1)?;
        let node = &self.graph.nodes[self.uses.sole(scores)?];
        let mut attention = match &node.op {
            Op::MatMul(_) => self.product(node)?,
            Op::Reshape(_) => {
                let [from, to] = [node.inputs[0], scores].map(|value| self.shape(value));
                let is_within_batch = from.len() >= 2 && to.len() >= 2 && from[from.len() - 2..] == to[to.len() - 2..];
                is_within_batch.then(|| self.scores(node.inputs[0], most))??
            }
            Op::Binary(Binary::Add) => {
                let &[left, right] = node.inputs.as_slice() else { return None };
                let sides = [(left, right), (right, left)];
                sides.into_iter().find_map(|(own, mask)| self.masked(own, mask, most))?
            }
            Op::Binary(_) => match self.scaled(node) {
                Some((own, scale)) => {
                    let attention = self.unmasked(own, most)?;
                    Attention {
                        scale: attention.scale * scale,
                        ..attention
                    }
                }
                None => self.multiplied(node, most)?,
            },
            _ => return None,
        };
        attention.dead.push(scores);
        Some(attention)
    }

    /// Scores to which nothing was added: that would be scaled with them.
    fn unmasked(&self, scores: ValueId, most: usize) -> Option<Attention> {
        self.scores(scores, most).filter(|attention| attention.masks.is_empty())
    }

    /// Scores of which each matrix has a factor of its own, as each head of Swin v2 has.
    fn multiplied(&self, node: &Node, most: usize) -> Option<Attention> {
        let (Op::Binary(Binary::Mul), &[left, right]) = (&node.op, node.inputs.as_slice()) else {
            return None;
        };
        let shape = self.shape(node.outputs[0]);
        [(left, right), (right, left)].into_iter().find_map(|(own, factor)| {
            let is_of_matrices = self.shape(factor).iter().rev().take(2).all(|&extent| extent == 1);
            if !is_of_matrices || self.shape(own) != shape {
                return None;
            }
            let mut attention = self.unmasked(own, most)?;
            attention.factors.push(factor);
            (attention.batches[0] == shape[..shape.len() - 2]).then_some(attention)
        })
    }

    /// Scores and what is added to them.
    fn masked(&self, scores: ValueId, mask: ValueId, most: usize) -> Option<Attention> {
        let mut attention = self.scores(scores, most)?;
        let scores = self.shape(scores).to_vec();
        let own = self.shape(mask);
        let shape = [&vec![1; scores.len().checked_sub(own.len())?], own].concat();
        let broadcasts = shape.iter().zip(&scores).all(|(&own, &extent)| own == 1 || own == extent);
        attention.masks.push(Mask {
            value: mask,
            shape,
            scores,
        });
        broadcasts.then_some(attention)
    }

    /// A product of queries and transposed keys, either of which may be scaled.
    fn product(&self, node: &Node) -> Option<Attention> {
        let &[left, right] = node.inputs.as_slice() else { return None };
        let (query, query_scale, _) = self.unscaled(left, false);
        let (key, key_scale, order) = self.unscaled(right, true);
        let rank = self.shape(key).len();
        let mut key_order = order.unwrap_or_else(|| (0..rank).collect());
        if rank < 2 {
            return None;
        }
        key_order.swap(rank - 2, rank - 1);
        let [batch @ .., size, keys] = self.shape(right) else {
            return None;
        };
        let [own_batch @ .., queries, _] = self.shape(query) else {
            return None;
        };
        (own_batch == batch).then(|| Attention {
            query,
            key,
            key_order,
            value: key,
            scale: query_scale * key_scale,
            factors: Vec::new(),
            masks: Vec::new(),
            batches: [batch.to_vec(), Vec::new(), Vec::new()],
            extents: [*queries, *keys, *size, 0],
            dead: Vec::new(),
        })
    }

    /// What a value is scaled from, by how much, and, if that is wanted, the transposition on the way.
    fn unscaled(&self, mut value: ValueId, transposed: bool) -> (ValueId, f64, Option<Vec<usize>>) {
        let (mut scale, mut order) = (1.0, None);
        for _ in 0..MOST_BETWEEN {
            let Some(&maker) = self.uses.maker.get(&value) else { break };
            let node = &self.graph.nodes[maker];
            match &node.op {
                Op::Transpose(op) if transposed && order.is_none() => {
                    let Ok(own) = op.resolved(self.shape(value).len()) else {
                        break;
                    };
                    order = Some(own);
                    value = node.inputs[0];
                }
                _ => {
                    let Some((own, factor)) = self.scaled(node) else { break };
                    scale *= factor;
                    value = own;
                }
            }
        }
        (value, scale, order)
    }

    /// What a node multiplies by one constant number, and the number.
    fn scaled(&self, node: &Node) -> Option<(ValueId, f64)> {
        let &[left, right] = node.inputs.as_slice() else { return None };
        let number = |value: ValueId| {
            let constant = self.graph.constant_value(value)?;
            (constant.len() == 1).then(|| constant.first().copied().map(f64::from))?
        };
        let (own, factor) = match node.op {
            Op::Binary(Binary::Mul) => match number(right) {
                Some(factor) => (left, factor),
                None => (right, number(left)?),
            },
            Op::Binary(Binary::Div) => (left, number(right)?.recip()),
            _ => return None,
        };
        (self.shape(own) == self.shape(node.outputs[0])).then_some((own, factor))
    }
}

impl Attention {
    /// Adds it to a graph, in the place of the node that was its last.
    fn emit(self, node: &Node, graph: &mut Graph) {
        let [queries, keys, size, value_size] = self.extents;
        let [batch, value_batch, split] = &self.batches;
        let mut add = Additions { name: &node.name, graph };
        let key = if self.key_order.is_sorted() {
            self.key
        } else {
            add.node(Transpose::new(signed(&self.key_order)), &[self.key])
        };
        let query = (self.factors.into_iter()).fold(self.query, |query, factor| add.node(Binary::Mul, &[query, factor]));
        let mut inputs = vec![
            add.reshaped(query, batch, split, [queries, size]),
            add.reshaped(key, batch, split, [keys, size]),
            add.reshaped(self.value, value_batch, split, [keys, value_size]),
        ];
        let masks: Vec<ValueId> = (self.masks.iter())
            .map(|mask| match mask.split(split) {
                Some(shape) if shape != mask.shape => add.node(reshape(&shape), &[mask.value]),
                _ => mask.value,
            })
            .collect();
        inputs.extend(masks.into_iter().reduce(|sum, mask| add.node(Binary::Add, &[sum, mask])));
        let op = ScaledDotProductAttention::new().scale(self.scale as f32);
        if split == value_batch {
            add.last(op, inputs, node);
        } else {
            let attended = add.node(op, &inputs);
            add.last(
                reshape(&[value_batch, &[queries, value_size][..]].concat()),
                vec![attended],
                node,
            );
        }
    }
}

fn reshape(shape: &[usize]) -> Reshape {
    Reshape::new(signed(shape))
}

/// Nodes that take another's place.
struct Additions<'a> {
    name: &'a str,
    graph: &'a mut Graph,
}

impl Additions<'_> {
    fn node(&mut self, op: impl Into<Op>, inputs: &[ValueId]) -> ValueId {
        let output = self.graph.value(self.name.to_owned(), None);
        self.graph.nodes.push(Node {
            name: self.name.to_owned(),
            op: op.into(),
            inputs: inputs.to_vec(),
            outputs: vec![output],
        });
        output
    }

    /// Matrices whose leading dimensions are others.
    fn reshaped(&mut self, value: ValueId, from: &[usize], to: &[usize], matrix: [usize; 2]) -> ValueId {
        if from == to {
            return value;
        }
        self.node(reshape(&[to, &matrix[..]].concat()), &[value])
    }

    /// What gives the replaced node's output.
    fn last(&mut self, op: impl Into<Op>, inputs: Vec<ValueId>, replaced: &Node) {
        self.graph.nodes.push(Node {
            op: op.into(),
            inputs,
            ..replaced.clone()
        });
    }
}
