//! What an array holds as a key: constants that are equal are stored once, whoever made them.

use std::hash::BuildHasher;

use crate::dtype::DType;
use crate::tensor::{TensorView, each};
use foldhash::quality::RandomState;

/// A tensor's type, shape and 128 bits of its elements' bits. The seeds are random and nobody's to know, so that a file cannot be made to
/// have another's key; by chance two arrays of a million have the same one with a probability of 10^-27.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    dtype: DType,
    shape: Vec<usize>,
    hash: [u64; 2],
}

/// The seeds of the keys of one store. Keys of others say nothing here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seeds([RandomState; 2]);

impl Seeds {
    /// The key of a tensor, whatever its layout.
    pub(crate) fn key(&self, tensor: &TensorView<'_>) -> Key {
        let hash = each!(TensorView, tensor, array => {
            let standard = array.as_standard_layout();
            let elements = standard.as_slice().unwrap_or_default();
            self.0.each_ref().map(|state| state.hash_one(bytes(elements)))
        });
        Key {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            hash,
        }
    }
}

/// The bytes of elements.
fn bytes<T: bytemuck::NoUninit>(elements: &[T]) -> &[u8] {
    bytemuck::cast_slice(elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn keys_are_equal_where_shape_and_bits_are() {
        let seeds = Seeds::default();
        let array = Random::new(1).reals(&[30, 50]);
        let key = seeds.key(&array.view().into());
        assert_eq!(seeds.key(&array.clone().view().into()), key);
        let turned = array.t().as_standard_layout().into_owned();
        assert_eq!(
            seeds.key(&turned.t().into_dyn().into()),
            key,
            "another layout of the same elements"
        );
        assert_ne!(seeds.key(&turned.view().into()), key);
        assert_ne!(
            seeds.key(&array.to_shape(vec![1500]).unwrap().into_owned().into_dyn().view().into()),
            key
        );
        for place in [[0, 0], [17, 3], [29, 49]] {
            let mut other = array.clone();
            other[place] = -other[place];
            assert_ne!(seeds.key(&other.view().into()), key, "{place:?}");
        }
    }
}
