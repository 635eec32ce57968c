//! What an array holds as a key: constants that are equal are stored once, whoever made them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

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

/// What stays in a cache between two hashes of it.
const PIECE: usize = 1 << 15;

/// The seeds of the keys of one store. Keys of others say nothing here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seeds([RandomState; 2]);

impl Seeds {
    /// The key of a tensor, whatever its layout.
    pub(crate) fn key(&self, tensor: &TensorView<'_>) -> Key {
        let hash = each!(TensorView, tensor, array => {
            let standard = array.as_standard_layout();
            let elements = standard.as_slice().unwrap_or_default();
            let mut hashers = self.0.each_ref().map(BuildHasher::build_hasher);
            // Each piece is read from memory once, for both.
            for piece in bytes(elements).chunks(PIECE) {
                for hasher in &mut hashers {
                    hasher.write(piece);
                }
            }
            hashers.map(|hasher| hasher.finish())
        });
        Key {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            hash,
        }
    }
}

/// What somebody holds, found by a key. What nobody holds any more is swept out whenever there is twice as much as was left by the
/// sweep before, so that a store of many things takes no longer for each.
#[derive(Debug)]
pub(crate) struct Held<K, T> {
    entries: HashMap<K, Weak<T>>,
    sweep_at: usize,
}

impl<K, T> Default for Held<K, T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            sweep_at: 0,
        }
    }
}

impl<K: Eq + Hash, T> Held<K, T> {
    pub(crate) fn get(&self, key: &K) -> Option<Arc<T>> {
        self.entries.get(key).and_then(Weak::upgrade)
    }

    pub(crate) fn insert(&mut self, key: K, held: &Arc<T>) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, held| held.strong_count() > 0);
            self.sweep_at = 2 * self.entries.len() + 16;
        }
        self.entries.insert(key, Arc::downgrade(held));
    }
}

/// The bytes of elements.
pub(crate) fn bytes<T: bytemuck::NoUninit>(elements: &[T]) -> &[u8] {
    bytemuck::cast_slice(elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn what_nobody_holds_is_swept_out() {
        let mut held = Held::default();
        let kept = Arc::new(0);
        held.insert(0, &kept);
        for key in 1..1000 {
            held.insert(key, &Arc::new(key));
        }
        assert_eq!((held.get(&0), held.get(&7)), (Some(Arc::clone(&kept)), None));
        assert!(held.entries.len() <= 18, "{}", held.entries.len());
    }

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
