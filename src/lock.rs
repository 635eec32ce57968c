//! Locking that a panic elsewhere does not end.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock of `mutex`. What the mutexes of this crate guard is whole after every statement, so that a thread that panicked
/// while it held one leaves nothing half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
