//! Which values of a graph are in blocks, and where they are rearranged.

use super::blocked::{BLOCK, Layout, Reach, fits, is_from_last, is_possible, is_to_last};
use super::chain::Chain;
use super::chains::{Group, Work};
use super::sums::is_on_blocks;
use crate::dtype::{DType, TensorType};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Conv, Fused, FusedBase, Op, ReduceKind};
use crate::shape;

/// The layouts of all values, those that were rearranged as well.
#[derive(Debug)]
pub(super) struct Layouts {
    pub(super) of_values: Vec<Layout>,
    /// The graph's outputs, each in row-major order.
    pub(super) outputs: Vec<ValueId>,
}

/// Functions of elements between a value and a convolution for which it is made in blocks, and its readers that are looked at.
const MOST_BETWEEN: usize = 4;
const MOST_READERS: usize = 4;

struct Chooser<'a> {
    graph: &'a Graph,
    types: &'a mut Vec<TensorType>,
    layouts: Vec<Layout>,
    /// The same elements in the other layout, once they were wanted.
    others: Vec<Option<ValueId>>,
    groups: Vec<Group>,
    /// The nodes that read each value of the graph.
    readers: Vec<Vec<usize>>,
}

/// Has convolutions and what follows them computed in blocks. Values that are rearranged are new ones, after those of the graph.
pub(super) fn choose(graph: &Graph, types: &mut Vec<TensorType>, groups: Vec<Group>) -> (Vec<Group>, Layouts) {
    let mut readers = vec![Vec::new(); graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for value in &node.inputs {
            readers[value.0].push(index);
        }
    }
    let mut chooser = Chooser {
        graph,
        readers,
        layouts: vec![Layout::Plain; types.len()],
        others: vec![None; types.len()],
        groups: Vec::with_capacity(groups.len()),
        types,
    };
    for group in groups {
        chooser.place(group);
    }
    let last = chooser.groups.last().map_or(0, |group| group.node);
    let outputs = (graph.outputs.iter())
        .map(|&value| chooser.in_layout(value, Layout::Plain, last))
        .collect();
    let Chooser { layouts, groups, .. } = chooser;
    let layouts = Layouts {
        of_values: layouts,
        outputs,
    };
    (groups, layouts)
}

impl Chooser<'_> {
    fn place(&mut self, mut group: Group) {
        let node = &self.graph.nodes[group.node];
        let wanted = match &group.work {
            Work::Node => self.wanted(node),
            Work::Chain(chain) => self.wanted_of_chain(chain, &group),
            Work::Sums { chain, .. } => self.wanted_of_sums(chain, &group),
            Work::Blocks | Work::Rearrange => None,
        };
        let Some(wanted) = wanted else {
            for value in &mut group.inputs {
                *value = self.in_layout(*value, Layout::Plain, group.node);
            }
            self.groups.push(group);
            return;
        };
        for (value, wanted) in group.inputs.iter_mut().zip(wanted) {
            if let Some(layout) = wanted {
                *value = self.in_layout(*value, layout, group.node);
            }
        }
        let output = group.outputs[0];
        let is_from_blocks = self.layouts[group.inputs[0].0] == Layout::Blocked;
        let leaves_blocks = is_from_blocks && matches!(&node.op, Op::Transpose(_) | Op::Reduce(_));
        if !leaves_blocks && !Layout::is_either(&self.types[output.0].shape) {
            self.layouts[output.0] = Layout::Blocked;
        }
        if matches!(group.work, Work::Node) {
            group.work = Work::Blocks;
        }
        self.groups.push(group);
    }

    /// The value with its elements in this layout, rearranged for a node where they are not.
    fn in_layout(&mut self, value: ValueId, layout: Layout, node: usize) -> ValueId {
        if self.layouts[value.0] == layout || (layout == Layout::Blocked && Layout::is_either(&self.types[value.0].shape)) {
            return value;
        }
        if let Some(known) = self.others[value.0] {
            return known;
        }
        let other = ValueId(self.types.len());
        self.types.push(self.types[value.0].clone());
        self.layouts.push(layout);
        self.others.push(Some(value));
        self.others[value.0] = Some(other);
        self.groups.push(Group {
            node,
            inputs: vec![value],
            outputs: vec![other],
            work: Work::Rearrange,
        });
        other
    }

    /// What layout a node with a kernel for blocks wants each input in, where it wants one. None where the node stays with planes.
    fn wanted(&self, node: &Node) -> Option<Vec<Option<Layout>>> {
        let [output] = node.outputs[..] else { return None };
        let shape = |value: ValueId| self.types[value.0].shape.as_slice();
        let values = || node.inputs.iter().chain(&node.outputs);
        if values().any(|value| self.types[value.0].dtype != DType::F32 || shape(*value).contains(&0)) {
            return None;
        }
        let is_blocked = |value: ValueId| self.layouts[value.0] == Layout::Blocked;
        let first = *node.inputs.first()?;
        if let Op::Reduce(op) = &node.op {
            let is_of_planes = op.kind == ReduceKind::Mean && op.reduced(shape(first).len()).is_ok_and(|axes| is_of_planes(&axes));
            return (is_blocked(first) && is_of_planes).then(|| vec![None]);
        }
        if shape(output).len() < 3 {
            return None;
        }
        match &node.op {
            Op::Conv(op) if self.is_conv(op, node) => Some(self.of_conv(node)),
            Op::Fused(Fused {
                base: FusedBase::Conv(op),
                residual,
                ..
            }) if self.is_conv(op, node) => {
                let mut wanted = self.of_conv(node);
                if let (Some(last), true) = (wanted.last_mut(), *residual) {
                    *last = Some(Layout::Blocked);
                }
                Some(wanted)
            }
            Op::MaxPool(_) | Op::AdaptiveMaxPool(_) | Op::AvgPool(_) | Op::AdaptiveAvgPool(_) | Op::Unary(_) | Op::BatchNorm(_) => {
                is_blocked(first).then(|| vec![None; node.inputs.len()])
            }
            Op::Binary(_) => {
                let reach: Option<Vec<Reach>> = (node.inputs.iter())
                    .map(|&value| Reach::of(shape(value), shape(output)))
                    .collect();
                let reach = reach?;
                let are_blocked = node.inputs.iter().zip(&reach);
                let mut of_all = are_blocked.filter(|(_, reach)| **reach == Reach::Everything);
                let wanted = |reach: &Reach| (*reach == Reach::Everything).then_some(Layout::Blocked);
                of_all
                    .any(|(&value, _)| is_blocked(value))
                    .then(|| reach.iter().map(wanted).collect())
            }
            Op::Transpose(op) => {
                let permutation = op.resolved(shape(output).len()).ok()?;
                if is_blocked(first) {
                    return is_to_last(&permutation).then(|| vec![None]);
                }
                let is_worth_it = permutation.len() > 3 && shape(output)[1] >= BLOCK;
                (is_worth_it && is_from_last(&permutation) && self.leads_to_conv(output, MOST_BETWEEN)).then(|| vec![None])
            }
            Op::Concat(op) => {
                let axis = op.resolved_axis(shape(first)).ok()?;
                let elements = |value: &ValueId| shape(*value).iter().product::<usize>();
                let blocked: usize = node.inputs.iter().filter(|value| is_blocked(**value)).map(elements).sum();
                let is_most = 2 * blocked >= shape(output).iter().product();
                (axis == 1 && blocked > 0 && is_most).then(|| vec![Some(Layout::Blocked); node.inputs.len()])
            }
            _ => None,
        }
    }

    /// The same for functions of elements: in blocks where something is that they read place by place.
    fn wanted_of_chain(&self, chain: &Chain, group: &Group) -> Option<Vec<Option<Layout>>> {
        let shape = &self.types[group.outputs[0].0].shape;
        let inputs = group.inputs.iter().zip(&chain.inputs);
        let mut alike = inputs.filter(|(_, input)| input.reach == shape::Reach::Same);
        let is_any = alike.any(|(&value, _)| self.layouts[value.0] == Layout::Blocked);
        (is_any && chain.fits_blocks(shape)).then(|| of_chain(chain).collect())
    }

    /// The same for sums of products of bytes and what follows them.
    fn wanted_of_sums(&self, chain: &Chain, group: &Group) -> Option<Vec<Option<Layout>>> {
        let Op::ConvInteger(op) = &self.graph.nodes[group.node].op else {
            return None;
        };
        let [left, right] = [0, 1].map(|operand| group.inputs[operand]);
        let kind = |value: ValueId| &self.types[value.0];
        let weight = self.graph.values.get(right.0)?.constant.as_ref()?;
        let output = &kind(group.outputs[0]).shape;
        let is_possible = matches!(kind(left).dtype, DType::U8 | DType::I8)
            && !output.contains(&0)
            && chain.fits_blocks(output)
            && is_possible(&op.conv, &kind(left).shape, &kind(right).shape)
            && is_on_blocks(op, &weight.view());
        let others = group.inputs.len() - chain.inputs.len();
        is_possible.then(|| std::iter::repeat_n(None, others).chain(of_chain(chain)).collect())
    }

    /// What a convolution on blocks wants: few channels as they are.
    fn of_conv(&self, node: &Node) -> Vec<Option<Layout>> {
        let mut wanted = vec![None; node.inputs.len()];
        if self.types[node.inputs[0].0].shape[1] >= BLOCK {
            wanted[0] = Some(Layout::Blocked);
        }
        wanted
    }

    /// Whether a convolution on blocks reads a value, or what few functions of elements make of it.
    fn leads_to_conv(&self, value: ValueId, most_between: usize) -> bool {
        self.readers[value.0].iter().take(MOST_READERS).any(|&node| {
            let node = &self.graph.nodes[node];
            match &node.op {
                Op::Conv(op)
                | Op::Fused(Fused {
                    base: FusedBase::Conv(op),
                    ..
                }) => node.inputs[0] == value && self.is_conv(op, node),
                Op::Unary(_) | Op::Binary(_) | Op::BatchNorm(_) => {
                    most_between > 0 && self.leads_to_conv(node.outputs[0], most_between - 1)
                }
                _ => false,
            }
        })
    }

    fn is_conv(&self, op: &Conv, node: &Node) -> bool {
        let [input, weight] = [0, 1].map(|operand| node.inputs[operand]);
        let shape = |value: ValueId| self.types[value.0].shape.as_slice();
        self.graph.values.get(weight.0).is_some_and(|value| value.constant.is_some())
            && fits(op, shape(weight))
            && is_possible(op, shape(input), shape(weight))
    }
}

/// Whether all axes but those of images and channels are reduced.
fn is_of_planes(reduced: &[bool]) -> bool {
    matches!(reduced, [false, false, planes @ ..] if planes.iter().all(|&axis| axis))
}

/// The layouts of what a chain reads where its output is in blocks.
fn of_chain(chain: &Chain) -> impl Iterator<Item = Option<Layout>> {
    chain.inputs.iter().map(|input| {
        Some(match input.reach {
            shape::Reach::Same => Layout::Blocked,
            _ => Layout::Plain,
        })
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, ArrayD, array};

    use super::*;
    use crate::cpu::{Cpu, CpuEngine};
    use crate::engine::{Engine, PlanSettings};
    use crate::graph::passes::Passes;
    use crate::ops::{Binary, Cast, Concat, ConvInteger, MaxPool, Reduce, Transpose, Unary};
    use crate::tensor::Tensor;
    use crate::testing::Random;

    /// A graph whose bytes are of this type, without a zero point where they have no sign.
    struct Network {
        graph: Graph,
        bytes: DType,
        random: Random,
    }

    impl Network {
        fn node(&mut self, op: impl Into<Op>, inputs: &[ValueId]) -> ValueId {
            let op = op.into();
            self.graph.node(op.name(), op, inputs).unwrap()
        }

        fn constant(&mut self, value: f32) -> ValueId {
            self.graph.constant("constant", array![value])
        }

        fn zero_point(&self) -> i32 {
            if self.bytes == DType::I8 { -5 } else { 0 }
        }

        fn quantized(&mut self, reals: ValueId) -> ValueId {
            let (min, max) = if self.bytes == DType::I8 {
                (-128.0, 127.0)
            } else {
                (0.0, 255.0)
            };
            let [divisor, zero] = [0.7, self.zero_point() as f32].map(|value| self.constant(value));
            let quotient = self.node(Binary::Div, &[reals, divisor]);
            let rounded = self.node(Unary::Round, &[quotient]);
            let moved = self.node(Binary::Add, &[rounded, zero]);
            let clamped = self.node(Unary::Clamp { min, max }, &[moved]);
            self.node(Cast::new(self.bytes), &[clamped])
        }

        fn reals(&mut self, bytes: ValueId) -> ValueId {
            let [scale, zero] = [0.4, self.zero_point() as f32].map(|value| self.constant(value));
            let floats = self.node(Cast::new(DType::F32), &[bytes]);
            let centred = self.node(Binary::Sub, &[floats, zero]);
            self.node(Binary::Mul, &[centred, scale])
        }

        /// The sums of a layer as `f32`, with a bias and scales of channels.
        fn conv(&mut self, bytes: ValueId, op: Conv, weight: &[usize]) -> ValueId {
            self.conv_by(self.zero_point(), bytes, op, weight)
        }

        fn conv_by(&mut self, zero_point: i32, bytes: ValueId, op: Conv, weight: &[usize]) -> ValueId {
            let weights: ArrayD<i8> = self.random.integers(weight).mapv(|x| x as i8);
            let channels = (weight[0], 1, 1);
            let weights = self.graph.constant("weight", weights);
            let bias = self
                .graph
                .constant("bias", Array::from_shape_fn(channels, |(c, ..)| 3 * c as i32 - 40));
            let scale = Array::from_shape_fn(channels, |(c, ..)| 0.02 + 0.001 * c as f32);
            let scale = self.graph.constant("scale", scale);
            let zero = self.graph.constant("zero", array![zero_point]);
            let wide = self.node(Cast::new(DType::I32), &[bytes]);
            let centred = self.node(Binary::Sub, &[wide, zero]);
            let sums = self.node(ConvInteger::new(op), &[centred, weights]);
            let sums = self.node(Binary::Add, &[sums, bias]);
            let floats = self.node(Cast::new(DType::F32), &[sums]);
            self.node(Binary::Mul, &[floats, scale])
        }
    }

    #[test]
    fn bytes_in_blocks_have_the_bits_of_operators_one_by_one() {
        for bytes in [DType::U8, DType::I8] {
            let mut network = Network {
                graph: Graph::new(),
                bytes,
                random: Random::new(11),
            };
            let image = network.graph.input_of_type("image", bytes);
            let padded = Conv::new().padding(1);
            let first = network.conv(image, padded.stride(2), &[20, 3, 3, 3]);
            let first = network.quantized(first);
            let depthwise = network.conv(first, padded.groups(20), &[20, 1, 3, 3]);
            let depthwise = network.quantized(depthwise);
            let wide = network.conv(depthwise, Conv::new(), &[70, 20, 1, 1]);
            let wide = network.quantized(wide);
            let narrow = network.conv(wide, padded, &[20, 70, 3, 3]);
            let narrow = network.quantized(narrow);
            // A sum of two layers, which are both read as bytes; others want planes of it, and floats.
            let [one, other] = [narrow, first].map(|bytes| network.reals(bytes));
            let sum = network.node(Binary::Add, &[one, other]);
            let sum = network.quantized(sum);
            let joined = network.node(Concat::new(1), &[sum, depthwise]);
            let last = network.conv(joined, Conv::new(), &[16, 40, 1, 1]);
            let pooled = network.node(MaxPool::new(2), &[last]);
            // Numbers that are none of bytes.
            let far = network.conv_by(1000, first, padded, &[24, 20, 3, 3]);
            let far = network.quantized(far);
            let far = network.conv(far, Conv::new(), &[16, 24, 1, 1]);
            for value in [sum, pooled, wide, far] {
                network.graph.output(value).unwrap();
            }
            let passes = Passes::new(&[], |_, _| unreachable!("there are no passes"));
            let engine = CpuEngine::new(&Cpu::default(), &network.graph, PlanSettings::by(passes)).unwrap();
            for shape in [[2, 3, 19, 21], [1, 3, 5, 70]] {
                let numbers = ArrayD::from_shape_fn(shape.as_slice(), |_| network.random.below(256) as u8);
                let image: Tensor = match bytes {
                    DType::I8 => numbers.mapv(|x| x as i8).into(),
                    _ => numbers.into(),
                };
                let alone = pollster::block_on(engine.evaluate(&[image.view()])).unwrap().swap_remove(0);
                let together = engine.run(&[image.view()]).unwrap();
                for (value, output) in network.graph.outputs.iter().zip(together) {
                    assert_eq!(alone.values[value.0].as_ref(), Some(&output));
                }
            }
        }
    }

    #[test]
    fn channels_that_go_last_and_come_back_have_the_bits_of_operators_one_by_one() {
        let mut random = Random::new(12);
        let mut graph = Graph::new();
        let image = graph.input("image");
        let node = |graph: &mut Graph, op: Op, inputs: &[ValueId]| graph.node(op.name(), op, inputs).unwrap();
        let mut conv = |graph: &mut Graph, input: ValueId, weight: &[usize]| {
            let weight = graph.constant("weight", random.reals(weight));
            let op = Conv::new().padding(1);
            graph.node("conv", op, &[input, weight]).unwrap()
        };
        let first = conv(&mut graph, image, &[37, 3, 3, 3]);
        let last = node(&mut graph, Transpose::new([0, 2, 3, 1]).into(), &[first]);
        let changed = node(&mut graph, Unary::Abs.into(), &[last]);
        let back = node(&mut graph, Transpose::new([0, 3, 1, 2]).into(), &[changed]);
        let shifted = node(&mut graph, Unary::Neg.into(), &[back]);
        let second = conv(&mut graph, shifted, &[20, 37, 3, 3]);
        // Nothing on blocks reads this one.
        let other = node(&mut graph, Transpose::new([0, 3, 1, 2]).into(), &[last]);
        let means = node(&mut graph, Reduce::mean([2, 3]).into(), &[second]);
        let kept = node(&mut graph, Reduce::mean([3, 2]).keep_dims(true).into(), &[first]);
        let of_rows = node(&mut graph, Reduce::mean([3]).into(), &[first]);
        for value in [last, back, second, other, means, kept, of_rows] {
            graph.output(value).unwrap();
        }
        let passes = Passes::new(&[], |_, _| unreachable!("there are no passes"));
        let engine = CpuEngine::new(&Cpu::default(), &graph, PlanSettings::by(passes)).unwrap();
        for shape in [[2, 3, 9, 10], [1, 3, 4, 5]] {
            let image: Tensor = random.reals(&shape).into();
            let alone = pollster::block_on(engine.evaluate(&[image.view()])).unwrap().swap_remove(0);
            let together = engine.run(&[image.view()]).unwrap();
            for (value, got) in graph.outputs.iter().zip(together) {
                let want = alone.values[value.0].as_ref().unwrap();
                if [means, kept, of_rows].contains(value) {
                    // Added up in another order; elements have magnitudes of some tens.
                    let [want, got] = [want, &got].map(|tensor| tensor.view().array::<f32>().unwrap().to_owned());
                    assert_eq!(want.shape(), got.shape());
                    assert!(want.iter().zip(&got).all(|(want, got)| (want - got).abs() < 1e-3));
                } else {
                    assert_eq!(want, &got);
                }
            }
        }
    }
}
