//! Functions of elements one after another, in one pass over a tensor: what stands between two steps never leaves the first-level cache.
//!
//! Each function is computed as it would be alone, so that answers have the same bits.

use std::cell::RefCell;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::operand::in_order;
use super::parallel;
use super::unary::{self, clamp};
use super::vectors::arch;
use crate::error::{Error, Result};
use crate::graph::ValueId;
use crate::ops::{Binary, Unary};
use crate::shape::Reach;
use crate::tensor::TensorView;

/// Elements that are computed together.
const BLOCK: usize = 512;
/// Elements that loops have at a time, whatever stands beyond a block's end: so many that compilers keep a loop, of whole vectors.
const LANES: usize = 64;
/// Blocks that a chain may have in hand.
pub(super) const DEPTH: usize = 4;
/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 15;

thread_local! {
    /// What chains have in hand, as the bits of `f32` or `i32`.
    static STACK: RefCell<Box<Stack>> = RefCell::new(Box::new([[0; BLOCK]; DEPTH]));
}

type Stack = [[u32; BLOCK]; DEPTH];

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

/// How many places from this one on have either one element or elements one after another.
fn run(reach: Reach, place: usize) -> usize {
    match reach {
        Reach::Same | Reach::One => usize::MAX,
        Reach::Axis { extent, inner: 1 } => extent - place % extent,
        Reach::Axis { inner, .. } => inner - place % inner,
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
    /// Of two `f32`.
    Float(Binary, Right),
    /// Of two `i32`.
    Whole(Binary, Right),
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
#[derive(Clone, Copy)]
enum Elements<'a> {
    F32(&'a [f32]),
    I32(&'a [i32]),
    U8(&'a [u8]),
    I8(&'a [i8]),
}

/// A chain with the tensors that it reads.
pub(super) struct Bound<'a> {
    chain: &'a Chain,
    inputs: Vec<(Elements<'a>, Reach)>,
}

impl Chain {
    /// With its inputs, as many as it has.
    pub(super) fn bind<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Result<Bound<'a>> {
        let elements = inputs.iter().map(|input| {
            Ok(match input {
                TensorView::F32(array) => Elements::F32(in_order(array)?),
                TensorView::I32(array) => Elements::I32(in_order(array)?),
                TensorView::U8(array) => Elements::U8(in_order(array)?),
                TensorView::I8(array) => Elements::I8(in_order(array)?),
                other => return Err(Error::Internal(format!("a chain reads {}", other.dtype()))),
            })
        });
        let pairs = elements
            .zip(&self.inputs)
            .map(|(elements, input)| Ok((elements?, input.reach)));
        Ok(Bound {
            chain: self,
            inputs: pairs.collect::<Result<_>>()?,
        })
    }
}

/// What a chain may end with.
pub(super) trait Output: Copy + Default + Send + Sync {
    /// Of whole vectors of words as many as there is room for.
    fn write(words: &[u32], output: &mut [Self]);
}

macro_rules! outputs {
    ($($element:ty: $word:ident => $value:expr),+) => {
        $(impl Output for $element {
            #[inline(always)]
            fn write(words: &[u32], output: &mut [Self]) {
                let (words, _) = words.as_chunks::<LANES>();
                for (output, words) in output.chunks_mut(LANES).zip(words) {
                    let mut whole = [Self::default(); LANES];
                    for (output, &$word) in whole.iter_mut().zip(words) {
                        *output = $value;
                    }
                    output.copy_from_slice(&whole[..output.len()]);
                }
            }
        })+
    };
}
outputs!(f32: word => f32::from_bits(word), i32: word => word as i32, u8: word => word as u8, i8: word => word as i8);

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
                let runs = self.inputs.iter().map(|(_, reach)| run(*reach, place + done));
                let length = runs.fold(BLOCK.min(output.len() - done), usize::min);
                let block = Block {
                    bound: self,
                    place: place + done,
                    length,
                    sums: sums.get(done..done + length).unwrap_or_default(),
                };
                let output = &mut output[done..done + length];
                arch().dispatch(Written { block, stack, output });
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
        self.block.compute(self.stack);
        O::write(&self.stack[0][..self.block.whole()], self.output);
    }
}

impl Block<'_> {
    /// Elements of the vectors that the block is in.
    fn whole(&self) -> usize {
        self.length.next_multiple_of(LANES)
    }

    /// Leaves the result at the bottom of the stack.
    #[inline(always)]
    fn compute(&self, stack: &mut Stack) {
        let mut height = 0;
        for instruction in &self.bound.chain.code {
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
                ref other => alone(other, &mut stack[height - 1][..self.whole()]),
            }
        }
    }

    /// The two uppermost of the stack.
    #[inline(always)]
    fn two<'s>(&self, stack: &'s mut Stack, height: usize) -> (&'s mut [u32], &'s [u32]) {
        let (below, above) = stack.split_at_mut(height);
        (&mut below[height - 1][..self.whole()], &above[0][..self.whole()])
    }

    /// Where the elements of an input begin, and how many of them there are for this block.
    #[inline(always)]
    fn part(&self, reach: Reach) -> (usize, usize) {
        match reach {
            Reach::Same => (self.place, self.length),
            Reach::One => (0, 1),
            Reach::Axis { extent, inner: 1 } => (self.place % extent, self.length),
            Reach::Axis { extent, inner } => (self.place / inner % extent, 1),
        }
    }

    #[inline(always)]
    fn load(&self, input: usize, target: &mut [u32]) {
        let (elements, reach) = self.bound.inputs[input];
        let (first, count) = self.part(reach);
        let own = first..first + count;
        match elements {
            Elements::F32(data) => fill(target, &data[own], f32::to_bits),
            Elements::I32(data) => fill(target, &data[own], |x| x as u32),
            Elements::U8(data) => fill(target, &data[own], u32::from),
            Elements::I8(data) => fill(target, &data[own], |x| i32::from(x) as u32),
        }
    }

    /// A function of the uppermost of the stack and an input of its type.
    #[inline(always)]
    fn with_input(&self, function: Binary, input: usize, left: &mut [u32], is_whole: bool) {
        let (elements, reach) = self.bound.inputs[input];
        let (first, count) = self.part(reach);
        let right: &[u32] = match elements {
            Elements::F32(data) => bytemuck::cast_slice(&data[first..first + count]),
            Elements::I32(data) => bytemuck::cast_slice(&data[first..first + count]),
            // Bytes are loaded first.
            Elements::U8(_) | Elements::I8(_) => &[],
        };
        let right = if count == self.length {
            Side::Each(right)
        } else {
            Side::One(right[0])
        };
        if is_whole {
            whole(function, left, right);
        } else {
            float(function, left, right);
        }
    }
}

/// All elements, or the one that there is everywhere.
#[inline(always)]
fn fill<T: Copy>(target: &mut [u32], source: &[T], word: impl Fn(T) -> u32) {
    if let ([one], true) = (source, target.len() > 1) {
        target.fill(word(*one));
    } else {
        for (target, &element) in target.iter_mut().zip(source) {
            *target = word(element);
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
        Instruction::Sums | Instruction::Load(_) | Instruction::Float(..) | Instruction::Whole(..) => {}
    }
}

/// The largest magnitude of numbers that [`small_whole`] takes.
pub(super) const LARGEST_SMALL: f32 = 4_194_304.0;

/// What `as i32` gives of small numbers, NaN included. That of all numbers is computed one by one on x86, twenty times as slowly.
#[inline(always)]
pub(super) fn small_whole(x: f32) -> i32 {
    // A sum with this number has a whole one in its lowest bits.
    let magic = 12_582_912.0_f32;
    let sum = x.trunc() + magic;
    if x.is_nan() {
        0
    } else {
        (sum.to_bits() as i32).wrapping_sub(magic.to_bits() as i32)
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

#[inline(always)]
fn both(left: &mut [u32], right: Side<'_>, function: impl Fn(u32, u32) -> u32) {
    match right {
        Side::One(right) => each(
            left,
            #[inline(always)]
            |left| function(left, right),
        ),
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
