//! The constants of sessions on the CPU: those that are equal are held once, and packed once for an operator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use super::base::Prepared;
use crate::content::{Key, Seeds};
use crate::lock::lock;
use crate::ops::Op;
use crate::tensor::Tensor;

/// The constants that some session holds, in row-major order, and what they were packed to.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    seeds: Seeds,
    arrays: Mutex<HashMap<Key, Weak<Tensor>>>,
    packed: Mutex<Vec<Packed>>,
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
        if let Some(known) = arrays.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let array = array.view().rearranged().map_or(array, Arc::new);
        arrays.retain(|_, array| array.strong_count() > 0);
        arrays.insert(key, Arc::downgrade(&array));
        array
    }

    /// What this [`shared`](Self::shared) array was packed to for an operator, or what `pack` makes of it.
    pub(crate) fn packed(
        &self,
        weight: &Arc<Tensor>,
        op: &Op,
        pack: impl FnOnce() -> Option<Arc<Prepared>>,
    ) -> Option<Arc<Prepared>> {
        let mut packed = lock(&self.packed);
        let is_it = |packed: &&Packed| packed.op == *op && Weak::as_ptr(&packed.weight) == Arc::as_ptr(weight);
        // The entry keeps the address from being another's.
        if let Some(known) = packed.iter().find(is_it).and_then(|packed| packed.prepared.upgrade()) {
            return Some(known);
        }
        let prepared = pack()?;
        packed.retain(|packed| packed.prepared.strong_count() > 0);
        packed.push(Packed {
            weight: Arc::downgrade(weight),
            op: op.clone(),
            prepared: Arc::downgrade(&prepared),
        });
        Some(prepared)
    }
}
