//! The constants of sessions on the CPU: those that are equal are held once, and packed once for an operator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use super::base::Prepared;
use crate::content::{Held, Key, Seeds};
use crate::lock::lock;
use crate::ops::Op;
use crate::tensor::Tensor;

/// The constants that some session holds, in row-major order, and what they were packed to.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    seeds: Seeds,
    arrays: Mutex<Held<Key, Tensor>>,
    packed: Mutex<PackedWeights>,
}

/// By the addresses of the weights.
#[derive(Debug, Default)]
struct PackedWeights {
    entries: HashMap<usize, Vec<Packed>>,
    /// With how many weights what nobody holds any more is swept out.
    sweep_at: usize,
}

impl PackedWeights {
    fn known(&self, weight: &Arc<Tensor>, op: &Op) -> Option<Arc<Prepared>> {
        let is_it = |packed: &&Packed| packed.op == *op && Weak::as_ptr(&packed.weight) == Arc::as_ptr(weight);
        // The entry keeps the address from being another's.
        let packed = self.entries.get(&Arc::as_ptr(weight).addr())?.iter().find(is_it)?;
        packed.prepared.upgrade()
    }
}

#[derive(Debug)]
struct Packed {
    weight: Weak<Tensor>,
    op: Op,
    prepared: Weak<Prepared>,
}

impl Constants {
    /// The array that others hold, where an equal one is held, else this one; its elements lie in order.
    pub(crate) fn shared(&self, array: Arc<Tensor>) -> Arc<Tensor> {
        let key = self.seeds.key(&array.view());
        let mut arrays = lock(&self.arrays);
        if let Some(known) = arrays.get(&key) {
            return known;
        }
        let array = array.view().rearranged().map_or(array, Arc::new);
        arrays.insert(key, &array);
        array
    }

    /// What this [`shared`](Self::shared) array was packed to for an operator, or what `pack` makes of it.
    pub(crate) fn packed(
        &self,
        weight: &Arc<Tensor>,
        op: &Op,
        pack: impl FnOnce() -> Option<Arc<Prepared>>,
    ) -> Option<Arc<Prepared>> {
        if let Some(known) = lock(&self.packed).known(weight, op) {
            return Some(known);
        }
        // Not under the lock: several are packed at once.
        let prepared = pack()?;
        let mut packed = lock(&self.packed);
        if let Some(known) = packed.known(weight, op) {
            return Some(known);
        }
        let PackedWeights { entries, sweep_at } = &mut *packed;
        if entries.len() >= *sweep_at {
            entries.retain(|_, packed| {
                packed.retain(|packed| packed.prepared.strong_count() > 0);
                !packed.is_empty()
            });
            *sweep_at = 2 * entries.len() + 16;
        }
        entries.entry(Arc::as_ptr(weight).addr()).or_default().push(Packed {
            weight: Arc::downgrade(weight),
            op: op.clone(),
            prepared: Arc::downgrade(&prepared),
        });
        Some(prepared)
    }
}
