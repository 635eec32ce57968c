//! Scaled dot-product attention.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "scaled_dot_product_attention";

/// `softmax(scale * query @ key^T + mask) @ value`, with queries `[.., L, E]`, keys `[.., S, E]` and values `[.., S, EV]`, whose
/// leading dimensions are the same; the output is `[.., L, EV]`. The mask is added to the scores `[.., L, S]` and broadcasts to them.
/// Equals `F.scaled_dot_product_attention`; a mask of minus infinity after each query's place is its `is_causal`.
///
/// A row of scores is as softmax has it: NaN where it has a NaN or plus infinity, or is minus infinity throughout. Of no keys the
/// result is 0. No backend need have all scores in memory.
///
/// ```
/// use convoke::ops::ScaledDotProductAttention;
/// let attention = ScaledDotProductAttention::new();
/// assert_eq!(attention.output_shape(&[2, 3, 5, 8], &[2, 3, 7, 8], &[2, 3, 7, 4], Some(&[5, 7]))?, [2, 3, 5, 4]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: fewer than two dimensions; leading dimensions, numbers of keys or sizes that differ; queries of size 0; a mask that does
/// not broadcast to the scores.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ScaledDotProductAttention {
    /// What products of queries and keys are multiplied by; `1 / sqrt(E)` where none is given.
    pub scale: Option<f32>,
}

/// Checked operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionExtents {
    /// Products of all leading dimensions.
    pub(crate) matrices: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    /// Of a query and of a key.
    pub(crate) size: usize,
    /// Of a value.
    pub(crate) value_size: usize,
}

impl ScaledDotProductAttention {
    /// With the scale `1 / sqrt(E)`.
    pub const fn new() -> Self {
        Self { scale: None }
    }

    /// Sets the scale.
    pub const fn scale(mut self, scale: f32) -> Self {
        self.scale = Some(scale);
        self
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, query: &[usize], key: &[usize], value: &[usize], mask: Option<&[usize]>) -> Result<Vec<usize>> {
        let extents = Self::extents(query, key, value)?;
        let batch = &query[..query.len() - 2];
        if let Some(mask) = mask {
            let scores = [batch, &[extents.queries, extents.keys]].concat();
            ensure!(
                shape::broadcast(NAME, mask, &scores).is_ok_and(|shape| shape == scores),
                NAME,
                "expected a mask that broadcasts to the scores' {scores:?}, but got {mask:?}"
            );
        }
        let output = [batch, &[extents.queries, extents.value_size]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }

    pub(crate) fn extents(query: &[usize], key: &[usize], value: &[usize]) -> Result<AttentionExtents> {
        let ([batch @ .., queries, size], [key_batch @ .., keys, key_size], [value_batch @ .., values, value_size]) =
            (query, key, value)
        else {
            return Err(crate::Error::invalid(
                NAME,
                format!(
                    "queries, keys and values must have at least 2 dimensions, but shapes are {query:?}, {key:?} and {value:?}"
                ),
            ));
        };
        ensure!(
            size == key_size && keys == values && key_batch == batch && value_batch == batch && *size > 0,
            NAME,
            "expected queries [.., L, E], keys [.., S, E] and values [.., S, EV] with the same leading dimensions and E of at least 1, \
             but got {query:?}, {key:?} and {value:?}"
        );
        for operand in [query, key, value] {
            shape::element_count(NAME, operand)?;
        }
        Ok(AttentionExtents {
            matrices: batch.iter().product(),
            queries: *queries,
            keys: *keys,
            size: *size,
            value_size: *value_size,
        })
    }

    /// The scale, whether or not it was given, for queries of this size.
    pub(crate) fn factor(self, size: usize) -> f32 {
        self.scale.unwrap_or_else(|| (size as f64).sqrt().recip() as f32)
    }
}

impl Operator for ScaledDotProductAttention {
    fn name(&self) -> &'static str {
        NAME
    }

    fn arity(&self) -> (usize, usize) {
        (3, 4)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let shape = self.output_shape(inputs[0], inputs[1], inputs[2], inputs.get(3).copied())?;
        Ok(vec![shape])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        let shape = |query: &[usize], key: &[usize], value: &[usize], mask: Option<&[usize]>| {
            ScaledDotProductAttention::new().output_shape(query, key, value, mask)
        };
        assert_eq!(shape(&[5, 4], &[7, 4], &[7, 3], None).unwrap(), [5, 3]);
        assert_eq!(shape(&[2, 5, 4], &[2, 0, 4], &[2, 0, 3], None).unwrap(), [2, 5, 3]);
        assert_eq!(
            shape(&[2, 5, 4], &[2, 7, 4], &[2, 7, 3], Some(&[2, 1, 7])).unwrap(),
            [2, 5, 3]
        );
        for (query, key, value, mask, words) in [
            (&[4][..], &[7, 4][..], &[7, 3][..], None, "at least 2 dimensions"),
            (&[5, 4], &[7, 3], &[7, 3], None, "[7, 3] and [7, 3]"),
            (&[5, 4], &[7, 4], &[6, 3], None, "[6, 3]"),
            (&[2, 5, 4], &[1, 7, 4], &[2, 7, 3], None, "leading dimensions"),
            (&[5, 0], &[7, 0], &[7, 3], None, "E of at least 1"),
            (&[5, 4], &[7, 4], &[7, 3], Some(&[5, 6][..]), "[5, 7], but got [5, 6]"),
            (&[5, 4], &[7, 4], &[7, 3], Some(&[2, 5, 7][..]), "[5, 7], but got [2, 5, 7]"),
        ] {
            let message = shape(query, key, value, mask).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
