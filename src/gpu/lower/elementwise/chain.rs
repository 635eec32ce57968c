//! Functions of elements one after another, which one kernel computes.

use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::chain::{Call, EACH, FEW, Operand, Step};
use crate::gpu::wgsl::function::{Function, Scalar, Snippet};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::elementwise::{CHAIN_VECTORS, ChainParameters};
use crate::graph::ValueId;
use crate::ops::Op;
use crate::ops::elementwise::Elementwise;
use crate::shape::Reach;

const NAME: &str = "chain";
/// The most functions of a chain: files decide how many there are one after another.
pub(crate) const MOST_STEPS: usize = 32;

/// A chain of functions, each as it is computed alone. The last one's result is the chain's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    steps: Vec<Step>,
    /// The inputs that have an element for each of the output's.
    pub(crate) each: Vec<ValueId>,
    /// Those that have one, or one for each place along the axis.
    pub(crate) few: Vec<ValueId>,
    along: [bool; FEW.len()],
    axis: Option<Axis>,
    /// The bits of numbers that functions take.
    numbers: Vec<u32>,
}

/// Where the few elements of inputs belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    extent: usize,
    /// Elements of the output between neighbours along it.
    inner: usize,
}

impl Chain {
    pub(crate) fn functions(&self) -> usize {
        self.steps.len()
    }

    /// Whether each element is of elements at its own place alone.
    pub(crate) fn broadcasts(&self) -> bool {
        !self.few.is_empty() || !self.numbers.is_empty()
    }

    /// Whether an operator can be part of a chain: a function of elements whose results are not rounded when they are stored.
    pub(crate) fn takes(op: &Op, mut types: impl Iterator<Item = DType>) -> bool {
        matches!(op, Op::Unary(_) | Op::Binary(_) | Op::Ternary(_) | Op::Cast(_)) && types.all(|dtype| dtype != DType::F16)
    }

    /// Appends a function of inputs of these types. None where the chain has no room, or the operator is no function of elements.
    pub(crate) fn push(&mut self, op: &Op, mut operands: Vec<Operand>, takes: &[DType], gives: DType) -> Option<Operand> {
        let (snippet, parameters) = match *op {
            Op::Unary(function) => (function.into(), function.parameters()),
            Op::Binary(function) => (function.into(), Vec::new()),
            Op::Ternary(function) => (function.into(), Vec::new()),
            Op::Cast(_) => (Snippet::to(gives), Vec::new()),
            _ => return None,
        };
        for parameter in parameters {
            operands.push(self.number(parameter.to_bits(), Scalar::Float)?);
        }
        // A condition comes before what is chosen.
        let of = Scalar::from(*takes.last()?);
        self.then(Step {
            call: Call::Snippet(snippet, of),
            operands,
            keeps_nan: takes.len() == 1 && of == Scalar::Float && gives.is_float(),
            gives,
        })
    }

    /// Appends a quotient of floats that are known to be of usual magnitude.
    pub(crate) fn push_plain_quotient(&mut self, operands: Vec<Operand>) -> Option<Operand> {
        self.then(Step {
            call: Call::PlainQuotient,
            operands,
            keeps_nan: false,
            gives: DType::F32,
        })
    }

    fn then(&mut self, step: Step) -> Option<Operand> {
        self.steps.push(step);
        let last = self.steps.len() - 1;
        (last < MOST_STEPS).then_some(Operand::Step(last))
    }

    /// A number as an operand. None where there is no room.
    pub(crate) fn number(&mut self, bits: u32, scalar: Scalar) -> Option<Operand> {
        let known = self.numbers.iter().position(|&known| known == bits);
        let word = known.unwrap_or_else(|| {
            self.numbers.push(bits);
            self.numbers.len() - 1
        });
        (word < 4 * CHAIN_VECTORS).then_some(Operand::Number(word, scalar))
    }

    /// An input of a chain with an output of this shape as an operand. None where it broadcasts in another way, or there is no room.
    pub(crate) fn input(&mut self, value: ValueId, own: &[usize], output: &[usize]) -> Option<Operand> {
        let is_along = match Reach::of(own, output)? {
            Reach::Same => return place(&mut self.each, value, EACH.len()).map(Operand::Each),
            Reach::One => false,
            Reach::Axis { extent, inner } => {
                let axis = Axis { extent, inner };
                if *self.axis.get_or_insert(axis) != axis {
                    return None;
                }
                true
            }
        };
        let input = place(&mut self.few, value, FEW.len())?;
        self.along[input] = is_along;
        Some(Operand::Few(input))
    }
}

/// Where a value stands in a list, at its end if it was not there. None where the list is full.
fn place(list: &mut Vec<ValueId>, value: ValueId, most: usize) -> Option<usize> {
    let known = list.iter().position(|&known| known == value);
    if known.is_none() {
        list.push(value);
    }
    known.or((list.len() <= most).then_some(list.len() - 1))
}

/// Records a chain whose inputs are to be had from `value`.
pub(crate) fn lower<'a>(
    chain: &Chain,
    value: impl Fn(ValueId) -> Option<&'a Value>,
    output: &TensorType,
    recording: &mut Recording,
) -> Result<Value> {
    let missing = || Error::Internal("a chain reads what was not recorded".to_owned());
    let inputs = |ids: &[ValueId]| {
        ids.iter()
            .map(|&id| value(id).ok_or_else(missing))
            .collect::<Result<Vec<_>>>()
    };
    let (each, few) = (inputs(&chain.each)?, inputs(&chain.few)?);
    let stand_in = *each.first().ok_or_else(missing)?;
    let filled = |own: &[&'a Value], room: usize| {
        let own = own.iter().copied().chain(std::iter::repeat(stand_in));
        own.take(room).collect::<Vec<_>>()
    };
    let bound = [filled(&each, EACH.len()), filled(&few, FEW.len())].concat();
    let result = recording.output(NAME, &output.shape, output.dtype)?;

    let axis = chain.axis.unwrap_or(Axis { extent: 1, inner: 4 });
    let mut scalars = [Scalar::Float; EACH.len() + FEW.len()];
    for (scalar, value) in scalars.iter_mut().zip(&bound) {
        *scalar = value.dtype.into();
    }
    let constants = [
        ("LANES", LANES),
        ("ALIKE", u32::from(axis.inner.is_multiple_of(4))),
        ("THIRD_ALONG", chain.along[0].into()),
        ("FOURTH_ALONG", chain.along[1].into()),
        ("FIFTH_ALONG", chain.along[2].into()),
    ];
    let key = PipelineKey::new(Kernel::Chain, constants).with(Function::chain(&chain.steps, scalars));
    let quads = elements(&result).div_ceil(4);
    let mut numbers = [[0; 4]; CHAIN_VECTORS];
    for (word, &bits) in numbers.as_flattened_mut().iter_mut().zip(&chain.numbers) {
        *word = bits;
    }
    let parameters = ChainParameters {
        quads: quads as u32,
        extent: axis.extent as u32,
        inner: axis.inner as u32,
        unused: [0],
        numbers,
    };
    let slots = bound.into_iter().map(slot).collect::<Result<Vec<_>>>()?;
    let work = Work::of(quads.div_ceil(LANES as usize));
    recording.dispatch(NAME, key, &parameters, &slots, &[slot(&result)?], work)?;
    Ok(result)
}
