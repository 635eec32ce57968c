//! The constants of sessions on a device: those that are equal are one buffer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::content::{Held, Key, Seeds};
use crate::gpu::device::pool::PooledBuffer;
use crate::precision::Precision;

/// The constants that some session has on the device. Nobody writes to one once it is uploaded.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    pub(crate) seeds: Seeds,
    pub(crate) buffers: Mutex<Held<(Key, Precision), PooledBuffer>>,
    pub(crate) uploaded: AtomicU64,
}

impl Constants {
    /// How many bytes have been uploaded so far.
    pub(crate) fn uploaded(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
    }
}
