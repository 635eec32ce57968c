//! Functions of elements one after another, in one pass over a tensor: what stands between two steps never leaves the first-level cache.
//!
//! Each function is computed as it would be alone, so that answers have the same bits.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use bytemuck::Pod;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::blocked::{self, Layout, whole as whole_blocks};
use super::operand::in_order;
use super::parallel;
use super::unary::{self, clamp};
use super::vectors::dispatch;
use crate::error::{Error, Result};
use crate::graph::ValueId;
use crate::ops::{Binary, Unary};
use crate::shape::Reach;
use crate::tensor::TensorView;

/// Elements that are computed together.
const BLOCK: usize = 768;
/// Channels that lie together.
const CHANNELS: usize = blocked::BLOCK;
/// Elements that loops have at a time, whatever stands beyond a block's end: so many that compilers keep a loop, of whole vectors.
const LANES: usize = 64;
/// Blocks that a chain may have in hand.
pub(super) const DEPTH: usize = 4;
/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 15;

thread_local! {
    /// What chains have in hand, as the bits of `f32` or `i32`.
    static STACK: RefCell<Box<Stack>> = RefCell::new(Box::new(Stack([[0; BLOCK]; DEPTH])));
}

/// In whole lines of the cache, which vectors are.
#[repr(align(64))]
struct Stack(Blocks);

type Blocks = [[u32; BLOCK]; DEPTH];

/// A program for a stack, of which each instruction takes the uppermost and puts its result in their place.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) code: Vec<Instruction>,
    pub(super) inputs: Vec<Input>,
}

/// A tensor that a chain reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) value: ValueId,
    pub(super) reach: Reach,
}

/// Which element of an input each place of the output has.
#[derive(Clone, Copy)]
enum Reading {
    /// Of an output in row-major order.
    Plain(Reach),
    /// The one of its channel, in so many blocks of channels of so many elements each.
    Channels { blocks: usize, elements: usize },
}

impl Reading {
    /// How many places from this one on have either one element, the channels of a block, or elements one after another.
    fn run(self, place: usize) -> usize {
        match self {
            Self::Plain(Reach::Same | Reach::One) => usize::MAX,
            Self::Plain(Reach::Axis { extent, inner: 1 }) => extent - place % extent,
            Self::Plain(Reach::Axis { inner, .. }) => inner - place % inner,
            Self::Channels { elements, .. } => elements - place % elements,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instruction {
    /// Puts the sums that the chain begins with on the stack.
    Sums,
    /// Puts an input on the stack, bytes as `i32`.
    Load(usize),
    /// From `i32` to `f32`.
    ToFloat,
    /// From `f32` to `i32`, without the fraction.
    ToWhole,
    /// The same of numbers up to [`LARGEST_SMALL`].
    ToSmallWhole,
    /// The lowest 8 bits of an `i32`, without a sign or with one.
    ToByte {
        signed: bool,
    },
    Unary(Unary),
    /// Puts the sums that the chain begins with on the stack as `f32`, an input of `i32` added to them where there is one, times another.
    Scaled {
        bias: Option<usize>,
        scale: usize,
    },
    Quantize(Quantize),
    /// Of two `f32`.
    Float(Binary, Right),
    /// Of two `i32`.
    Whole(Binary, Right),
}

/// Several of these that quantise an `f32`: it is divided by one input where there is such, rounded, another one is added, and the sum
/// clamped and made a byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantize {
    divisor: Option<usize>,
    zero_point: Option<usize>,
    bounds: [f32; 2],
    signed: bool,
}

/// The second operand of a function of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// The uppermost of the stack, the first being below.
    Stack,
    /// An input of the function's own type.
    Input(usize),
}

/// The elements of an input.
enum Elements<'a> {
    F32(Cow<'a, [f32]>),
    I32(Cow<'a, [i32]>),
    U8(Cow<'a, [u8]>),
    I8(Cow<'a, [i8]>),
}

impl<'a> Elements<'a> {
    fn of(input: &'a TensorView<'_>) -> Result<Self> {
        Ok(match input {
            TensorView::F32(array) => Self::F32(in_order(array)?.into()),
            TensorView::I32(array) => Self::I32(in_order(array)?.into()),
            TensorView::U8(array) => Self::U8(in_order(array)?.into()),
            TensorView::I8(array) => Self::I8(in_order(array)?.into()),
            other => return Err(Error::Internal(format!("a chain reads {}", other.dtype()))),
        })
    }

    /// Those of channels as whole blocks of these.
    fn in_blocks(input: &'a TensorView<'_>) -> Result<Self> {
        Ok(match input {
            TensorView::F32(array) => Self::F32(whole_blocks(in_order(array)?)),
            TensorView::I32(array) => Self::I32(whole_blocks(in_order(array)?)),
            TensorView::U8(array) => Self::U8(whole_blocks(in_order(array)?)),
            TensorView::I8(array) => Self::I8(whole_blocks(in_order(array)?)),
            _ => return Self::of(input),
        })
    }
}

/// A chain with the tensors that it reads.
pub(super) struct Bound<'a> {
    chain: &'a Chain,
    inputs: Vec<(Elements<'a>, Reading)>,
}

impl Chain {
    /// Of these instructions, those together that one loop computes.
    pub(super) fn optimized(self) -> Self {
        let Self { code, inputs } = self;
        let is_one = |input: &usize| inputs.get(*input).is_some_and(|input| input.reach == Reach::One);
        let mut rest = code.as_slice();
        let mut code = Vec::with_capacity(rest.len());
        if let [Instruction::Sums, others @ ..] = rest {
            let (bias, others) = match others {
                [Instruction::Whole(Binary::Add, Right::Input(bias)), others @ ..] => (Some(*bias), others),
                _ => (None, others),
            };
            if let [
                Instruction::ToFloat,
                Instruction::Float(Binary::Mul, Right::Input(scale)),
                others @ ..,
            ] = others
            {
                code.push(Instruction::Scaled { bias, scale: *scale });
                rest = others;
            }
        }
        while let Some((&first, others)) = rest.split_first() {
            let (divisor, rounded) = match first {
                Instruction::Float(Binary::Div, Right::Input(input)) if is_one(&input) => (Some(input), others),
                _ => (None, rest),
            };
            let added = rounded.strip_prefix(&[Instruction::Unary(Unary::Round)]);
            let (zero_point, clamped) = match added {
                Some([Instruction::Float(Binary::Add, Right::Input(input)), clamped @ ..]) if is_one(input) => {
                    (Some(*input), Some(clamped))
                }
                _ => (None, added),
            };
            if let Some(
                [
                    Instruction::Unary(Unary::Clamp { min, max }),
                    Instruction::ToSmallWhole,
                    Instruction::ToByte { signed },
                    after @ ..,
                ],
            ) = clamped
            {
                code.push(Instruction::Quantize(Quantize {
                    divisor,
                    zero_point,
                    bounds: [*min, *max],
                    signed: *signed,
                }));
                rest = after;
            } else {
                code.push(first);
                rest = others;
            }
        }
        Self { code, inputs }
    }

    /// With its inputs, as many as it has, for an output of this shape. Where that is in blocks of channels, so is what is read place by
    /// place.
    pub(super) fn bind<'a>(&'a self, inputs: &'a [TensorView<'_>], shape: &[usize], layout: Layout) -> Result<Bound<'a>> {
        let pairs = inputs.iter().zip(&self.inputs).map(|(input, own)| {
            Ok(match (layout, own.reach) {
                (Layout::Blocked, Reach::Axis { .. }) => {
                    let (_, channels, positions) = blocked::parts(shape);
                    let reading = Reading::Channels {
                        blocks: blocked::blocks(channels),
                        elements: positions * CHANNELS,
                    };
                    (Elements::in_blocks(input)?, reading)
                }
                (_, reach) => (Elements::of(input)?, Reading::Plain(reach)),
            })
        });
        Ok(Bound {
            chain: self,
            inputs: pairs.collect::<Result<_>>()?,
        })
    }

    /// Whether an output of this shape may be in blocks of channels.
    pub(super) fn fits_blocks(&self, shape: &[usize]) -> bool {
        let [_, channels, plane @ ..] = shape else { return false };
        let positions = plane.iter().product::<usize>();
        self.inputs.iter().all(|input| match input.reach {
            Reach::Same | Reach::One => true,
            Reach::Axis { extent, inner } => extent == *channels && inner == positions,
        })
    }
}

/// What a chain may end with.
pub(super) trait Output: Pod + Default + Send + Sync {
    fn of(word: u32) -> Self;
}

macro_rules! outputs {
    ($($element:ty: $word:ident => $value:expr),+) => {
        $(impl Output for $element {
            #[inline(always)]
            fn of($word: u32) -> Self {
                $value
            }
        })+
    };
}
outputs!(f32: word => f32::from_bits(word), i32: word => word as i32, u8: word => word as u8, i8: word => word as i8);

/// Of whole vectors of words as many outputs as there is room for.
#[inline(always)]
fn write<O: Output>(words: &[u32], output: &mut [O], function: impl Fn(u32) -> u32) {
    let (words, _) = words.as_chunks::<LANES>();
    let (whole, rest) = output.as_chunks_mut::<LANES>();
    for (output, words) in whole.iter_mut().zip(words) {
        for (output, &word) in output.iter_mut().zip(words) {
            *output = O::of(function(word));
        }
    }
    let last = words.get(whole.len()).map_or(&[][..], <[u32; LANES]>::as_slice);
    for (output, &word) in rest.iter_mut().zip(last) {
        *output = O::of(function(word));
    }
}

impl Bound<'_> {
    /// The whole output of a chain that begins with inputs, over all threads.
    pub(super) fn run<O: Output>(&self, output: &mut [O]) {
        let pieces = output.par_chunks_mut(GRAIN).enumerate();
        parallel::for_each(pieces, |(index, output)| self.finish(index * GRAIN, &[], output));
    }

    /// The output from this place on. `sums` has as many as the output, for a chain that begins with them.
    pub(super) fn finish<O: Output>(&self, place: usize, sums: &[i32], output: &mut [O]) {
        STACK.with_borrow_mut(|stack| {
            let mut done = 0;
            while done < output.len() {
                let runs = self.inputs.iter().map(|(_, reading)| reading.run(place + done));
                let length = runs.fold(BLOCK.min(output.len() - done), usize::min);
                let block = Block {
                    bound: self,
                    place: place + done,
                    length,
                    sums: sums.get(done..done + length).unwrap_or_default(),
                };
                let output = &mut output[done..done + length];
                dispatch(Written { block, stack, output });
                done += length;
            }
        });
    }
}

/// Elements that are computed together: in each input either one for all, or one after another.
struct Block<'a> {
    bound: &'a Bound<'a>,
    place: usize,
    length: usize,
    sums: &'a [i32],
}

/// A block with where it goes. A closure as long as this would not be inlined into the dispatch.
struct Written<'a, 's, O> {
    block: Block<'a>,
    stack: &'s mut Stack,
    output: &'s mut [O],
}

impl<O: Output> WithSimd for Written<'_, '_, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            block,
            stack: Stack(stack),
            output,
        } = self;
        let code = block.bound.chain.code.as_slice();
        if let [Instruction::Scaled { bias, scale }, Instruction::Quantize(quantize)] = *code
            && let Some(factors) = block.factors(bias, scale)
        {
            block.requantize(&factors, quantize, output);
        } else if let [before @ .., Instruction::Quantize(quantize)] = code {
            block.compute(before, stack);
            block.quantize(*quantize, &stack[0][..block.whole()], output);
        } else {
            block.compute(code, stack);
            write(
                &stack[0][..block.whole()],
                output,
                #[inline(always)]
                |word| word,
            );
        }
    }
}

impl Block<'_> {
    /// Elements of the vectors that the block is in.
    fn whole(&self) -> usize {
        self.length.next_multiple_of(LANES)
    }

    /// Leaves the result at the bottom of the stack.
    #[inline(always)]
    fn compute(&self, code: &[Instruction], stack: &mut Blocks) {
        let mut height = 0;
        for instruction in code {
            match *instruction {
                Instruction::Sums => {
                    stack[height][..self.length].copy_from_slice(bytemuck::cast_slice(self.sums));
                    height += 1;
                }
                Instruction::Load(input) => {
                    self.load(input, &mut stack[height][..self.length]);
                    height += 1;
                }
                Instruction::Float(function, Right::Stack) => {
                    height -= 1;
                    let (left, right) = self.two(stack, height);
                    float(function, left, Side::Each(right));
                }
                Instruction::Whole(function, Right::Stack) => {
                    height -= 1;
                    let (left, right) = self.two(stack, height);
                    whole(function, left, Side::Each(right));
                }
                Instruction::Float(function, Right::Input(input)) => {
                    self.with_input(function, input, &mut stack[height - 1][..self.whole()], false);
                }
                Instruction::Whole(function, Right::Input(input)) => {
                    self.with_input(function, input, &mut stack[height - 1][..self.whole()], true);
                }
                Instruction::Scaled { bias, scale } => {
                    self.scaled(bias, scale, &mut stack[0]);
                    height = 1;
                }
                Instruction::Quantize(quantize) => {
                    let words = &mut stack[height - 1][..self.whole()];
                    let mut bytes = [0_u8; BLOCK];
                    self.quantize(quantize, words, &mut bytes[..words.len()]);
                    widen(&bytes, words, quantize.signed);
                }
                ref other => alone(other, &mut stack[height - 1][..self.whole()]),
            }
        }
    }

    /// The two uppermost of the stack.
    #[inline(always)]
    fn two<'s>(&self, stack: &'s mut Blocks, height: usize) -> (&'s mut [u32], &'s [u32]) {
        let (below, above) = stack.split_at_mut(height);
        (&mut below[height - 1][..self.whole()], &above[0][..self.whole()])
    }

    /// Which elements of an input there are for this block, and how it has them.
    #[inline(always)]
    fn part(&self, reading: Reading) -> (Range<usize>, Pattern) {
        let (first, count, pattern) = match reading {
            Reading::Plain(Reach::Same) => (self.place, self.length, Pattern::Each),
            Reading::Plain(Reach::One) => (0, 1, Pattern::One),
            Reading::Plain(Reach::Axis { extent, inner: 1 }) => (self.place % extent, self.length, Pattern::Each),
            Reading::Plain(Reach::Axis { extent, inner }) => (self.place / inner % extent, 1, Pattern::One),
            Reading::Channels { blocks, elements } => (self.place / elements % blocks * CHANNELS, CHANNELS, Pattern::Channels),
        };
        (first..first + count, pattern)
    }

    #[inline(always)]
    fn load(&self, input: usize, target: &mut [u32]) {
        let (elements, reading) = &self.bound.inputs[input];
        let (own, pattern) = self.part(*reading);
        match elements {
            Elements::F32(data) => fill(target, &data[own], pattern, f32::to_bits),
            Elements::I32(data) => fill(target, &data[own], pattern, |x| x as u32),
            Elements::U8(data) => fill(target, &data[own], pattern, u32::from),
            Elements::I8(data) => fill(target, &data[own], pattern, |x| i32::from(x) as u32),
        }
    }

    /// The sums as floats, with what is added before and multiplied after that.
    #[inline(always)]
    fn scaled(&self, bias: Option<usize>, scale: usize, words: &mut [u32; BLOCK]) {
        let words = &mut words[..self.whole()];
        if let Some(factors) = self.factors(bias, scale) {
            factors.each(self.sums, &mut words[..self.length], f32::to_bits);
            return;
        }
        words[..self.length].copy_from_slice(bytemuck::cast_slice(self.sums));
        if let Some(bias) = bias {
            self.with_input(Binary::Add, bias, words, true);
        }
        alone(&Instruction::ToFloat, words);
        self.with_input(Binary::Mul, scale, words, false);
    }

    /// What sums become, where that is the same in the whole block.
    #[inline(always)]
    fn factors(&self, bias: Option<usize>, scale: usize) -> Option<Factors> {
        let bias = match bias {
            Some(bias) => self.lanes(bias)?,
            None => [0; LANES],
        };
        Some(Factors {
            bias,
            scale: self.lanes(scale)?,
        })
    }

    /// Bytes of the sums, which are nowhere in between.
    #[inline(always)]
    fn requantize<O: Output>(&self, factors: &Factors, quantize: Quantize, output: &mut [O]) {
        let (zero_point, bounds) = (self.one(quantize.zero_point).unwrap_or(0.0), quantize.bounds);
        match self.one(quantize.divisor) {
            Some(divisor) => factors.each(
                self.sums,
                output,
                #[inline(always)]
                |x| O::of(byte(x / divisor, zero_point, bounds)),
            ),
            None => factors.each(
                self.sums,
                output,
                #[inline(always)]
                |x| O::of(byte(x, zero_point, bounds)),
            ),
        }
    }

    /// What each of so many lanes has of an input of words, where that is the same in the whole block.
    #[inline(always)]
    fn lanes(&self, input: usize) -> Option<[u32; LANES]> {
        let (own, pattern) = self.part(self.bound.inputs[input].1);
        let words = self.words(input, own);
        match pattern {
            Pattern::Each => None,
            Pattern::One => Some([words[0]; LANES]),
            Pattern::Channels => Some(repeated(words)),
        }
    }

    /// Bytes of floats.
    #[inline(always)]
    fn quantize<O: Output>(&self, quantize: Quantize, words: &[u32], output: &mut [O]) {
        // Where there is no zero point nothing changes but -0, which is the same byte.
        let (zero_point, bounds) = (self.one(quantize.zero_point).unwrap_or(0.0), quantize.bounds);
        match self.one(quantize.divisor) {
            Some(divisor) => write(
                words,
                output,
                #[inline(always)]
                |word| byte(f32::from_bits(word) / divisor, zero_point, bounds),
            ),
            None => write(
                words,
                output,
                #[inline(always)]
                |word| byte(f32::from_bits(word), zero_point, bounds),
            ),
        }
    }

    /// The one element of an input of floats.
    #[inline(always)]
    fn one(&self, input: Option<usize>) -> Option<f32> {
        match &self.bound.inputs[input?].0 {
            Elements::F32(data) => data.first().copied(),
            _ => None,
        }
    }

    /// Elements of an input of words.
    #[inline(always)]
    fn words(&self, input: usize, own: Range<usize>) -> &[u32] {
        match &self.bound.inputs[input].0 {
            Elements::F32(data) => bytemuck::cast_slice(&data[own]),
            Elements::I32(data) => bytemuck::cast_slice(&data[own]),
            // Bytes are loaded first.
            Elements::U8(_) | Elements::I8(_) => &[],
        }
    }

    /// A function of the uppermost of the stack and an input of its type.
    #[inline(always)]
    fn with_input(&self, function: Binary, input: usize, left: &mut [u32], is_whole: bool) {
        let (own, pattern) = self.part(self.bound.inputs[input].1);
        let right = self.words(input, own);
        let right = match pattern {
            Pattern::Each => Side::Each(right),
            Pattern::One => Side::One(right[0]),
            Pattern::Channels => Side::Channels(right),
        };
        if is_whole {
            whole(function, left, right);
        } else {
            float(function, left, right);
        }
    }
}

/// How a block has an input's elements.
#[derive(Clone, Copy)]
enum Pattern {
    Each,
    /// One everywhere.
    One,
    /// A block's channels, at every position.
    Channels,
}

#[inline(always)]
fn fill<T: Copy>(target: &mut [u32], source: &[T], pattern: Pattern, word: impl Fn(T) -> u32) {
    match pattern {
        Pattern::Each => {
            for (target, &element) in target.iter_mut().zip(source) {
                *target = word(element);
            }
        }
        Pattern::One => target.fill(word(source[0])),
        Pattern::Channels => {
            for target in target.chunks_mut(CHANNELS) {
                for (target, &element) in target.iter_mut().zip(source) {
                    *target = word(element);
                }
            }
        }
    }
}

/// A function of the uppermost of the stack alone.
#[inline(always)]
fn alone(instruction: &Instruction, words: &mut [u32]) {
    match *instruction {
        Instruction::ToFloat => each(words, |word| (word as i32 as f32).to_bits()),
        Instruction::ToWhole => each(words, |word| f32::from_bits(word) as i32 as u32),
        Instruction::ToSmallWhole => each(words, |word| small_whole(f32::from_bits(word)) as u32),
        Instruction::ToByte { signed: false } => each(words, |word| word & 0xff),
        Instruction::ToByte { signed: true } => each(words, |word| i32::from(word as i8) as u32),
        // Those of all quantised networks here, without a call.
        Instruction::Unary(Unary::Round) => each(words, |word| f32::from_bits(word).round_ties_even().to_bits()),
        Instruction::Unary(Unary::Clamp { min, max }) => each(words, |word| clamp(f32::from_bits(word), min, max).to_bits()),
        Instruction::Unary(function) => unary::apply(function, bytemuck::cast_slice_mut(words)),
        // Those have a place of their own.
        Instruction::Sums
        | Instruction::Load(_)
        | Instruction::Scaled { .. }
        | Instruction::Quantize(_)
        | Instruction::Float(..)
        | Instruction::Whole(..) => {}
    }
}

/// The largest magnitude of numbers that [`small_whole`] takes.
pub(super) const LARGEST_SMALL: f32 = 4_194_304.0;

/// What `as i32` gives of small numbers, NaN included. That of all numbers is computed one by one on x86, twenty times as slowly.
#[inline(always)]
pub(super) fn small_whole(x: f32) -> i32 {
    if x.is_nan() { 0 } else { whole_of_small(x.trunc()) }
}

/// The same of small numbers without a fraction.
#[inline(always)]
pub(super) fn whole_of_small(x: f32) -> i32 {
    // A sum with this number has a whole one in its lowest bits.
    let magic = 12_582_912.0_f32;
    ((x + magic).to_bits() as i32).wrapping_sub(magic.to_bits() as i32)
}

/// What is added to sums and multiplied with them as floats, in each of so many lanes.
struct Factors {
    bias: [u32; LANES],
    scale: [u32; LANES],
}

impl Factors {
    /// What a function makes of all of these sums.
    #[inline(always)]
    fn each<O>(&self, sums: &[i32], output: &mut [O], function: impl Fn(f32) -> O) {
        let (sums, last_sums) = sums.as_chunks::<LANES>();
        let (output, last) = output.as_chunks_mut::<LANES>();
        for (sums, output) in sums.iter().zip(output) {
            for lane in 0..LANES {
                output[lane] = function(self.of(lane, sums[lane]));
            }
        }
        for (lane, (output, &sum)) in last.iter_mut().zip(last_sums).enumerate() {
            *output = function(self.of(lane, sum));
        }
    }

    #[inline(always)]
    fn of(&self, lane: usize, sum: i32) -> f32 {
        sum.wrapping_add(self.bias[lane] as i32) as f32 * f32::from_bits(self.scale[lane])
    }
}

/// What an `f32` is quantised to, in its lowest 8 bits.
#[inline(always)]
fn byte(x: f32, zero_point: f32, [min, max]: [f32; 2]) -> u32 {
    small_whole(clamp(x.round_ties_even() + zero_point, min, max)) as u32
}

/// Bytes as words, with a sign or without one.
#[inline(always)]
fn widen(bytes: &[u8], words: &mut [u32], signed: bool) {
    if signed {
        for (word, &byte) in words.iter_mut().zip(bytes) {
            *word = i32::from(byte as i8) as u32;
        }
    } else {
        for (word, &byte) in words.iter_mut().zip(bytes) {
            *word = byte.into();
        }
    }
}

#[inline(always)]
fn each(words: &mut [u32], function: impl Fn(u32) -> u32) {
    for words in words.as_chunks_mut::<LANES>().0 {
        for word in words {
            *word = function(*word);
        }
    }
}

/// Whether a function of two `f32` may be part of a chain.
pub(super) fn is_of_floats(function: Binary) -> bool {
    matches!(function, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div)
}

/// Whether a function of two `i32` may be part of a chain.
pub(super) fn is_of_wholes(function: Binary) -> bool {
    matches!(function, Binary::Add | Binary::Sub | Binary::Mul)
}

/// The second operands of a function of two: one for all elements, or one for each.
#[derive(Clone, Copy)]
enum Side<'a> {
    One(u32),
    Each(&'a [u32]),
    /// A block's channels, again and again.
    Channels(&'a [u32]),
}

#[inline(always)]
fn float(function: Binary, left: &mut [u32], right: Side<'_>) {
    match function {
        Binary::Add => both(left, right, of_bits(|a, b| a + b)),
        Binary::Sub => both(left, right, of_bits(|a, b| a - b)),
        Binary::Mul => both(left, right, of_bits(|a, b| a * b)),
        Binary::Div => both(left, right, of_bits(|a, b| a / b)),
        _ => {}
    }
}

/// A function of floats as one of their bits.
#[inline(always)]
fn of_bits(function: impl Fn(f32, f32) -> f32) -> impl Fn(u32, u32) -> u32 {
    #[inline(always)]
    move |a, b| function(f32::from_bits(a), f32::from_bits(b)).to_bits()
}

/// What wraps around is the same with and without a sign.
#[inline(always)]
fn whole(function: Binary, left: &mut [u32], right: Side<'_>) {
    match function {
        Binary::Add => both(left, right, u32::wrapping_add),
        Binary::Sub => both(left, right, u32::wrapping_sub),
        Binary::Mul => both(left, right, u32::wrapping_mul),
        _ => {}
    }
}

/// A block's channels in all lanes.
#[inline(always)]
fn repeated(channels: &[u32]) -> [u32; LANES] {
    let mut lanes = [0; LANES];
    for lanes in lanes.as_chunks_mut::<CHANNELS>().0 {
        lanes.copy_from_slice(channels);
    }
    lanes
}

#[inline(always)]
fn both(left: &mut [u32], right: Side<'_>, function: impl Fn(u32, u32) -> u32) {
    match right {
        Side::One(right) => each(
            left,
            #[inline(always)]
            |left| function(left, right),
        ),
        Side::Channels(channels) => {
            let right = repeated(channels);
            for left in left.as_chunks_mut::<LANES>().0 {
                for (left, right) in left.iter_mut().zip(right) {
                    *left = function(*left, right);
                }
            }
        }
        Side::Each(right) => {
            let (right, rest) = right.as_chunks::<LANES>();
            let (left, others) = left.split_at_mut(right.len() * LANES);
            for (left, right) in left.as_chunks_mut::<LANES>().0.iter_mut().zip(right) {
                for (left, &right) in left.iter_mut().zip(right) {
                    *left = function(*left, right);
                }
            }
            for (left, &right) in others.iter_mut().zip(rest) {
                *left = function(*left, right);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_lose_their_fraction_as_all_do() {
        let near = (-600..600).map(|x| x as f32 / 2.0 + 0.25);
        let edges = [
            0.0,
            -0.0,
            0.99,
            -0.99,
            LARGEST_SMALL,
            -LARGEST_SMALL,
            LARGEST_SMALL - 0.5,
            f32::NAN,
        ];
        for x in near.chain(edges) {
            assert_eq!(small_whole(x), x as i32, "{x}");
        }
    }
}
