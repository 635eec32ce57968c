//! The constants of sessions on the CPU: those that are equal are held once, and packed once for an operator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use ndarray::ArrayD;

use super::base::Prepared;
use crate::content::{Key, Seeds};
use crate::lock::lock;
use crate::ops::FusedBase;

/// The constants that some session holds, in row-major order, and what they were packed to.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    seeds: Seeds,
    arrays: Mutex<HashMap<Key, Weak<ArrayD<f32>>>>,
    packed: Mutex<Vec<Packed>>,
}

#[derive(Debug)]
struct Packed {
    weight: Weak<ArrayD<f32>>,
    base: FusedBase,
    prepared: Weak<Prepared>,
}

impl Constants {
    /// The array that others hold, where an equal one is held, else this one; its elements lie in order.
    pub(crate) fn shared(&self, array: Arc<ArrayD<f32>>) -> Arc<ArrayD<f32>> {
        let key = self.seeds.key(&array.view());
        let mut arrays = lock(&self.arrays);
        if let Some(known) = arrays.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let array = if array.is_standard_layout() {
            array
        } else {
            Arc::new(array.as_standard_layout().into_owned())
        };
        arrays.retain(|_, array| array.strong_count() > 0);
        arrays.insert(key, Arc::downgrade(&array));
        array
    }

    /// What this [`shared`](Self::shared) array was packed to for an operator, or what `pack` makes of it.
    pub(crate) fn packed(
        &self,
        weight: &Arc<ArrayD<f32>>,
        base: FusedBase,
        pack: impl FnOnce() -> Option<Arc<Prepared>>,
    ) -> Option<Arc<Prepared>> {
        let mut packed = lock(&self.packed);
        let is_it = |packed: &&Packed| packed.base == base && Weak::as_ptr(&packed.weight) == Arc::as_ptr(weight);
        // The entry keeps the address from being another's.
        if let Some(known) = packed.iter().find(is_it).and_then(|packed| packed.prepared.upgrade()) {
            return Some(known);
        }
        let prepared = pack()?;
        packed.retain(|packed| packed.prepared.strong_count() > 0);
        packed.push(Packed {
            weight: Arc::downgrade(weight),
            base,
            prepared: Arc::downgrade(&prepared),
        });
        Some(prepared)
    }
}
