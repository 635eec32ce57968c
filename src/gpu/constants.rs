//! The constants of sessions on a device: those that are equal are one buffer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use ndarray::ArrayViewD;

use super::context::Context;
use super::pool::PooledBuffer;
use super::recording::DType;
use super::tensor::{Tensor, stored_bytes};
use crate::content::{Key, Seeds};
use crate::error::Result;
use crate::lock::lock;
use crate::precision::Precision;

/// The constants that some session has on the device. Nobody writes to one once it is uploaded.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    seeds: Seeds,
    buffers: Mutex<HashMap<(Key, Precision), Weak<PooledBuffer>>>,
    uploaded: AtomicU64,
}

impl Constants {
    /// How many bytes have been uploaded so far.
    pub(crate) fn uploaded(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
    }
}

impl Tensor {
    /// The array as a constant: uploaded, unless an equal one is on the device that is stored so.
    pub(crate) fn constant(context: &Arc<Context>, array: &ArrayViewD<'_, f32>, precision: Precision) -> Result<Self> {
        let constants = &context.constants;
        let key = (constants.seeds.key(array), precision);
        // Held while it is uploaded: whoever wants the same one meanwhile gets it.
        let mut buffers = lock(&constants.buffers);
        if let Some(buffer) = buffers.get(&key).and_then(Weak::upgrade) {
            return Ok(Self {
                context: Arc::clone(context),
                buffer: Some(buffer),
                shape: array.shape().to_vec(),
                dtype: DType::F32,
                precision,
            });
        }
        let tensor = Self::upload(context, array, precision)?;
        if let Some(buffer) = &tensor.buffer {
            constants
                .uploaded
                .fetch_add(stored_bytes(&tensor.shape, precision), Ordering::Relaxed);
            buffers.retain(|_, buffer| buffer.strong_count() > 0);
            buffers.insert(key, Arc::downgrade(buffer));
        }
        Ok(tensor)
    }
}
