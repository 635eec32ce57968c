//! What an array holds as a key: constants that are equal are stored once, whoever made them.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use ndarray::ArrayViewD;

/// An array's shape and 128 bits of its elements' bits. The seeds are random and nobody's to know, so that a file cannot be made to
/// have another's key; by chance two arrays of a million have the same one with a probability of 10^-27.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    shape: Vec<usize>,
    hash: [u64; 2],
}

/// The seeds of the keys of one store. Keys of others say nothing here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seeds([RandomState; 2]);

impl Seeds {
    /// The key of an array, whatever its layout.
    pub(crate) fn key(&self, array: &ArrayViewD<'_, f32>) -> Key {
        let standard = array.as_standard_layout();
        let bytes: &[u8] = bytemuck::cast_slice(standard.as_slice().unwrap_or_default());
        Key {
            shape: array.shape().to_vec(),
            hash: self.0.each_ref().map(|state| state.hash_one(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn keys_are_equal_where_shape_and_bits_are() {
        let seeds = Seeds::default();
        let array = Random::new(1).reals(&[30, 50]);
        let key = seeds.key(&array.view());
        assert_eq!(seeds.key(&array.clone().view()), key);
        let turned = array.t().as_standard_layout().into_owned();
        assert_eq!(seeds.key(&turned.t().into_dyn()), key, "another layout of the same elements");
        assert_ne!(seeds.key(&turned.view()), key);
        assert_ne!(
            seeds.key(&array.to_shape(vec![1500]).unwrap().into_owned().into_dyn().view()),
            key
        );
        for place in [[0, 0], [17, 3], [29, 49]] {
            let mut other = array.clone();
            other[place] = -other[place];
            assert_ne!(seeds.key(&other.view()), key, "{place:?}");
        }
    }
}
