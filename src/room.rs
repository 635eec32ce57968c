//! Memory of the host, asked for where there may be none.

use crate::error::{Error, Result};

/// Memory below which nothing is tried first, in bytes.
const SMALL: usize = 1 << 20;

/// Refuses what the host has no memory for, where more than a little is asked for: what is made next is made as if there were.
pub(crate) fn room<T>(operator: &'static str, elements: usize) -> Result<()> {
    if elements.saturating_mul(size_of::<T>()) < SMALL {
        return Ok(());
    }
    Vec::<T>::new().try_reserve_exact(elements).map_err(|_| {
        let bytes = elements as u128 * size_of::<T>() as u128;
        Error::OutOfHostMemory(format!("{operator}: {elements} elements of {bytes} bytes together"))
    })
}

/// So many zeros, where the host has memory for them.
pub(crate) fn zeros<T: Clone + Default>(operator: &'static str, elements: usize) -> Result<Vec<T>> {
    room::<T>(operator, elements)?;
    Ok(vec![T::default(); elements])
}
