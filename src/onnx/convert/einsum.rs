//! Einstein's summation: diagonals, sums, products of matrices and transposes.

use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::error::{Error, Result};
use crate::onnx::tensor::MOST_DIMENSIONS;
use crate::ops::{Binary, Linear, MatMul, Reduce, Slice, Transpose};

/// A dimension by its letter, or by its place in the ellipsis, counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// What a term or the output says: labels before and after an ellipsis, where there is one.
struct Term {
    before: Vec<Label>,
    /// Labels after the ellipsis; `None` without one.
    after: Option<Vec<Label>>,
}

impl Term {
    fn parse(text: &str) -> Result<Self> {
        let (before, after) = match text.split_once("...") {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        Ok(Self {
            before: letters(before)?,
            after: after.map(letters).transpose()?,
        })
    }

    /// A label for each of so many dimensions.
    fn labels(&self, rank: usize) -> Result<Vec<Label>> {
        let named = self.before.len() + self.after.as_ref().map_or(0, Vec::len);
        let fits = if self.after.is_some() { named <= rank } else { named == rank };
        if !fits {
            return Err(Error::Onnx(format!(
                "a term of {named} letters for an input of {rank} dimensions"
            )));
        }
        Ok(self.with_ellipsis(rank - named))
    }

    fn with_ellipsis(&self, dimensions: usize) -> Vec<Label> {
        let mut labels = self.before.clone();
        if let Some(after) = &self.after {
            labels.extend((0..dimensions).rev().map(Label::Ellipsis));
            labels.extend(after);
        }
        labels
    }
}

fn letters(text: &str) -> Result<Vec<Label>> {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphabetic() => Ok(Label::Letter(letter)),
        other => Err(Error::Onnx(format!("{other:?} in an equation, but letters are expected"))),
    };
    text.chars().map(letter).collect()
}

/// A factor, or a product of some: no label is there twice.
struct Factor {
    value: Value,
    labels: Vec<Label>,
}

pub(super) fn einsum(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let equation: String = node.string("equation", "")?.chars().filter(|&letter| letter != ' ').collect();
    let (terms, output) = match equation.split_once("->") {
        Some((terms, output)) => (terms, Some(Term::parse(output)?)),
        None => (equation.as_str(), None),
    };
    let terms = terms.split(',').map(Term::parse).collect::<Result<Vec<_>>>()?;
    if terms.len() != node.input_count() {
        return Err(Error::Onnx(format!(
            "equation {equation:?} has {} terms for {} inputs",
            terms.len(),
            node.input_count()
        )));
    }
    let mut factors = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let value = node.input(index)?;
        let labels = term.labels(value.shape().len())?;
        factors.push(Factor { value, labels });
    }
    let output = output_labels(&equation, output, &factors)?;
    let factors = factors.into_iter().map(|factor| with_diagonals(node, factor));
    let mut factors = factors.collect::<Result<Vec<_>>>()?.into_iter();
    let mut product = factors
        .next()
        .ok_or_else(|| Error::Onnx("an equation without terms".to_owned()))?;
    while let Some(factor) = factors.next() {
        let mut needed = output.clone();
        needed.extend(factors.as_slice().iter().flat_map(|factor| &factor.labels));
        product = multiplied(node, product, factor, &needed)?;
    }
    let product = summed(node, product, |label| !output.contains(&label))?;
    Ok(vec![arranged(node, &product, &output)?.value])
}

/// The output's labels. Where the equation does not name them they are the ellipsis, and what stands once, in the order of letters.
fn output_labels(equation: &str, output: Option<Term>, factors: &[Factor]) -> Result<Vec<Label>> {
    let all: Vec<Label> = factors.iter().flat_map(|factor| &factor.labels).copied().collect();
    let ellipsis = all.iter().filter_map(|label| match label {
        Label::Ellipsis(place) => Some(place + 1),
        Label::Letter(_) => None,
    });
    let ellipsis = ellipsis.max().unwrap_or(0);
    let count = |label: Label| all.iter().filter(|&&other| other == label).count();
    let Some(output) = output else {
        let mut once: Vec<Label> = all.iter().copied().filter(|&label| count(label) == 1).collect();
        once.retain(|label| matches!(label, Label::Letter(_)));
        once.sort_unstable();
        let mut labels: Vec<Label> = (0..ellipsis).rev().map(Label::Ellipsis).collect();
        labels.append(&mut once);
        return Ok(labels);
    };
    let labels = output.with_ellipsis(ellipsis);
    for (index, label) in labels.iter().enumerate() {
        if count(*label) == 0 || labels[..index].contains(label) {
            return Err(Error::Onnx(format!(
                "the output of equation {equation:?} must have letters of the terms, each once"
            )));
        }
    }
    Ok(labels)
}

/// Each label once: of dimensions with one label the diagonal.
fn with_diagonals(node: &mut Node<'_, '_>, mut factor: Factor) -> Result<Factor> {
    while let Some((first, second)) = repeated(&factor.labels) {
        let shape = factor.value.shape().to_vec();
        let extent = shape[first];
        if shape[second] != extent {
            return Err(Error::Onnx(format!(
                "a diagonal of an input of shape {shape:?} along dimensions {first} and {second}, which must be equal"
            )));
        }
        let mut order: Vec<usize> = (0..shape.len()).filter(|&axis| axis != first && axis != second).collect();
        let mut rows: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let labels = order
            .iter()
            .map(|&axis| factor.labels[axis])
            .chain([factor.labels[first]])
            .collect();
        order.extend([first, second]);
        rows.push(extent * extent);
        let ordered = node.emit(Transpose::new(signed(&order)), &[&factor.value])?;
        let flat = node.reshape(&ordered, &signed(&rows))?;
        let diagonal = Slice::new([0], [isize::MAX]).axes([-1]).steps([extent as isize + 1]);
        factor = Factor {
            value: node.emit(diagonal, &[&flat])?,
            labels,
        };
    }
    Ok(factor)
}

/// The first two places of a label that there is twice.
fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    let pair = |(second, label)| Some((labels[..second].iter().position(|other| other == label)?, second));
    labels.iter().enumerate().find_map(pair)
}

/// The sum along dimensions with some labels.
fn summed(node: &mut Node<'_, '_>, factor: Factor, is_summed: impl Fn(Label) -> bool) -> Result<Factor> {
    let axes: Vec<isize> = (0..factor.labels.len())
        .filter(|&axis| is_summed(factor.labels[axis]))
        .map(|axis| axis as isize)
        .collect();
    if axes.is_empty() {
        return Ok(factor);
    }
    Ok(Factor {
        value: node.emit(Reduce::sum(axes), &[&factor.value])?,
        labels: factor.labels.into_iter().filter(|&label| !is_summed(label)).collect(),
    })
}

/// The dimensions in the order of these labels.
fn arranged(node: &mut Node<'_, '_>, factor: &Factor, labels: &[Label]) -> Result<Factor> {
    let value = if factor.labels == labels {
        factor.value.clone()
    } else {
        let order: Vec<isize> = labels
            .iter()
            .map(|&label| axis_of(factor, label).map_or(-1, |axis| axis as isize))
            .collect();
        node.emit(Transpose::new(order), &[&factor.value])?
    };
    Ok(Factor {
        value,
        labels: labels.to_vec(),
    })
}

fn axis_of(factor: &Factor, label: Label) -> Option<usize> {
    factor.labels.iter().position(|&other| other == label)
}

fn extent_of(factor: &Factor, label: Label) -> Option<usize> {
    axis_of(factor, label).map(|axis| factor.value.shape()[axis])
}

/// The product of two factors, summed along what nothing else needs.
fn multiplied(node: &mut Node<'_, '_>, left: Factor, right: Factor, needed: &[Label]) -> Result<Factor> {
    check_extents(&left, &right)?;
    let (left_alone, right_alone) = (alone(&left, &right, needed), alone(&right, &left, needed));
    let left = summed(node, left, |label| left_alone.contains(&label))?;
    let right = summed(node, right, |label| right_alone.contains(&label))?;
    let is_shared = |label: &Label| right.labels.contains(label);
    let (shared, rows): (Vec<Label>, Vec<Label>) = left.labels.iter().copied().partition(is_shared);
    let (batch, inner): (Vec<Label>, Vec<Label>) = shared.into_iter().partition(|label| needed.contains(label));
    let columns: Vec<Label> = right
        .labels
        .iter()
        .copied()
        .filter(|label| !left.labels.contains(label))
        .collect();
    if inner.is_empty() {
        return side_by_side(node, &left, &right);
    }
    let value = matrices(node, [&left, &right], [&batch, &rows, &inner, &columns])?;
    Ok(Factor {
        value,
        labels: [batch, rows, columns].concat(),
    })
}

/// What can be summed before the factors meet: what the other has not, and what one of them has but one of, which serves all.
fn alone(own: &Factor, other: &Factor, needed: &[Label]) -> Vec<Label> {
    let is_alone = |&label: &Label| {
        let is_single = extent_of(own, label) == Some(1) || matches!(extent_of(other, label), None | Some(1));
        is_single && !needed.contains(&label)
    };
    own.labels.iter().copied().filter(is_alone).collect()
}

/// Extents of a label must be equal, or one of them 1.
fn check_extents(left: &Factor, right: &Factor) -> Result<()> {
    for &label in &left.labels {
        if let (Some(first), Some(second)) = (extent_of(left, label), extent_of(right, label))
            && first != second
            && first != 1
            && second != 1
        {
            return Err(Error::Onnx(format!("{label:?} is both {first} and {second}")));
        }
    }
    Ok(())
}

/// Products of elements, with nothing to sum: what one factor has not is 1 there.
fn side_by_side(node: &mut Node<'_, '_>, left: &Factor, right: &Factor) -> Result<Factor> {
    let mut labels = left.labels.clone();
    labels.extend(right.labels.iter().filter(|label| !left.labels.contains(label)));
    if labels.len() > MOST_DIMENSIONS {
        return Err(unsupported(format!("a product of {} dimensions", labels.len())));
    }
    let [first, second] = [left, right].map(|factor| {
        let own: Vec<Label> = labels
            .iter()
            .copied()
            .filter(|&label| axis_of(factor, label).is_some())
            .collect();
        let shape: Vec<usize> = labels.iter().map(|&label| extent_of(factor, label).unwrap_or(1)).collect();
        let ordered = arranged(node, factor, &own)?;
        node.reshape(&ordered.value, &signed(&shape))
    });
    Ok(Factor {
        value: node.emit(Binary::Mul, &[&first?, &second?])?,
        labels,
    })
}

/// The factors as matrices `[batch.., rows, inner]` and `[batch.., inner, columns]`, multiplied, with all dimensions of their own.
fn matrices(node: &mut Node<'_, '_>, factors: [&Factor; 2], labels: [&[Label]; 4]) -> Result<Value> {
    let ([left, right], [batch, rows, inner, columns]) = (factors, labels);
    let extents =
        |factor: &Factor, labels: &[Label]| -> Vec<usize> { labels.iter().filter_map(|&label| extent_of(factor, label)).collect() };
    let [row_count, inner_count, column_count] =
        [(left, rows), (left, inner), (right, columns)].map(|(factor, labels)| extents(factor, labels).iter().product::<usize>());
    let mut shape: Vec<usize> = extents(left, batch)
        .into_iter()
        .zip(extents(right, batch))
        .map(|(first, second)| if first == 1 { second } else { first })
        .collect();
    shape.extend(extents(left, rows));
    shape.extend(extents(right, columns));
    if shape.len() > MOST_DIMENSIONS {
        return Err(unsupported(format!("a product of {} dimensions", shape.len())));
    }
    let mut matrix = |factor: &Factor, order: [&[Label]; 2], extents_of: [usize; 2]| {
        let ordered = arranged(node, factor, &[batch, order[0], order[1]].concat())?;
        let mut shape = extents(factor, batch);
        shape.extend(extents_of);
        node.reshape(&ordered.value, &signed(&shape))
    };
    let first = matrix(left, [rows, inner], [row_count, inner_count])?;
    // A known matrix is a weight, which is packed once.
    let product = if batch.is_empty() && matches!(right.value, Value::Host(_)) && inner_count > 0 && column_count > 0 {
        let weight = matrix(right, [columns, inner], [column_count, inner_count])?;
        node.emit(Linear, &[&first, &weight])?
    } else {
        let second = matrix(right, [inner, columns], [inner_count, column_count])?;
        node.emit(MatMul, &[&first, &second])?
    };
    node.reshape(&product, &signed(&shape))
}
