//! What is made for sets of input shapes and kept for the last few of them.

use std::sync::{Arc, Mutex};

use crate::error::Result;
use crate::lock::lock;

/// Something for each of the last few sets of input shapes.
#[derive(Debug)]
pub(crate) struct Kept<V> {
    /// The one used last at the end.
    entries: Mutex<Vec<Entry<V>>>,
    most: usize,
}

#[derive(Debug)]
struct Entry<V> {
    shapes: Vec<Vec<usize>>,
    /// Locked while it is made, by which time the list of entries is not: whoever has other shapes does not wait.
    made: Arc<Mutex<Option<V>>>,
}

impl<V: Clone> Kept<V> {
    /// Keeps as many as `most`, and one at least.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: Mutex::default(),
            most,
        }
    }

    /// What there is for these shapes. `None` as well while it is being made: this does not wait.
    pub(crate) fn get(&self, shapes: &[Vec<usize>]) -> Option<V> {
        let made = {
            let mut entries = lock(&self.entries);
            let known = entries.iter().position(|entry| entry.shapes == shapes)?;
            entries[known..].rotate_left(1);
            Arc::clone(&entries.last()?.made)
        };
        made.try_lock().ok()?.clone()
    }

    /// What there is for these shapes, or what `make` makes of what `check` gives. What `check` refuses takes nobody's place;
    /// then the one that was used least recently goes, before `make`, which can have its memory.
    pub(crate) fn get_or_make<C>(
        &self,
        shapes: &[Vec<usize>],
        check: impl FnOnce() -> Result<C>,
        make: impl FnOnce(C) -> Result<V>,
    ) -> Result<V> {
        let cell = self.entry(shapes);
        let mut made = lock(&cell);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let outcome = check().and_then(|checked| {
            self.make_room(&cell);
            make(checked)
        });
        match outcome {
            Ok(value) => Ok(made.insert(value).clone()),
            Err(error) => {
                lock(&self.entries).retain(|entry| !Arc::ptr_eq(&entry.made, &cell));
                Err(error)
            }
        }
    }

    /// All that is made, with its shapes. What is being made is left out.
    pub(crate) fn all(&self) -> Vec<(Vec<Vec<usize>>, V)> {
        let entries = lock(&self.entries);
        let made = entries
            .iter()
            .filter_map(|entry| Some((entry.shapes.clone(), entry.made.try_lock().ok()?.clone()?)));
        made.collect()
    }

    fn entry(&self, shapes: &[Vec<usize>]) -> Arc<Mutex<Option<V>>> {
        let mut entries = lock(&self.entries);
        if let Some(known) = entries.iter().position(|entry| entry.shapes == shapes) {
            entries[known..].rotate_left(1);
        } else {
            entries.push(Entry {
                shapes: shapes.to_vec(),
                made: Arc::default(),
            });
        }
        Arc::clone(&entries[entries.len() - 1].made)
    }

    /// Drops those that are too many, but not this one.
    fn make_room(&self, own: &Arc<Mutex<Option<V>>>) {
        let mut entries = lock(&self.entries);
        let mut surplus = entries.len().saturating_sub(self.most.max(1));
        entries.retain(|entry| {
            let goes = surplus > 0 && !Arc::ptr_eq(&entry.made, own);
            surplus -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn make(kept: &Kept<usize>, width: usize, value: usize) -> usize {
        kept.get_or_make(&[vec![width]], || Ok(()), |()| Ok(value)).unwrap()
    }

    #[test]
    fn the_one_used_least_recently_goes_and_what_is_refused_takes_no_place() {
        let kept = Kept::new(2);
        assert_eq!(make(&kept, 1, 10), 10);
        assert_eq!(make(&kept, 2, 20), 20);
        assert_eq!(make(&kept, 1, 11), 10, "it is there");
        let refused = kept.get_or_make(&[vec![9]], || Err(Error::invalid("x", "no")), |()| Ok(90));
        assert!(refused.is_err());
        assert_eq!((kept.get(&[vec![2]]), kept.get(&[vec![1]])), (Some(20), Some(10)));
        assert_eq!(make(&kept, 3, 30), 30);
        assert_eq!((kept.get(&[vec![2]]), kept.get(&[vec![1]])), (None, Some(10)));
        let failed = kept.get_or_make(&[vec![9]], || Ok(()), |()| Err(Error::invalid("x", "no")));
        assert!(failed.is_err());
        assert_eq!(kept.get(&[vec![9]]), None);
    }

    #[test]
    fn one_that_is_being_made_keeps_nobody_with_other_shapes_waiting() {
        let kept = Kept::new(8);
        let outcome = kept.get_or_make(
            &[vec![1]],
            || Ok(()),
            |()| {
                assert_eq!(kept.get(&[vec![1]]), None);
                assert_eq!(make(&kept, 2, 20), 20);
                Ok(10)
            },
        );
        assert_eq!((outcome.unwrap(), kept.get(&[vec![2]])), (10, Some(20)));
    }
}
