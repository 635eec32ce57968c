//! Storage buffers, kept by size class and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::context::Context;
use crate::error::Result;
use crate::lock::lock;

/// Idle bytes that a pool keeps; what is given back beyond that is freed.
const IDLE_LIMIT: u64 = 256 << 20;
/// What may be done with a pooled buffer on any device.
const USAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE
    .union(wgpu::BufferUsages::COPY_SRC)
    .union(wgpu::BufferUsages::COPY_DST);

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    by_size: HashMap<u64, Vec<wgpu::Buffer>>,
    bytes: u64,
}

/// A buffer that goes back to its pool when dropped. Work already submitted on it stays ordered before any later use.
#[derive(Debug)]
pub(crate) struct PooledBuffer {
    buffer: wgpu::Buffer,
    pool: Arc<BufferPool>,
}

impl BufferPool {
    /// A buffer of at least this many bytes, with unspecified content.
    pub(crate) fn take(context: &Context, bytes: u64) -> Result<Arc<PooledBuffer>> {
        let size = size_class(bytes).min(context.capabilities.limits.max_buffer_size.max(bytes));
        let buffer = match Self::kept(context, size) {
            Some(buffer) => buffer,
            None => context.create_buffer("convoke.tensor", size, usage(context)),
        };
        context.check()?;
        Ok(Self::pooled(context, buffer))
    }

    /// A buffer that begins with these bytes. Where the adapter's memory is the host's, a new one is written in place.
    pub(crate) fn filled(context: &Context, bytes: &[u8]) -> Result<Arc<PooledBuffer>> {
        let length = bytes.len() as u64;
        let size = size_class(length).min(context.capabilities.limits.max_buffer_size.max(length));
        let buffer = match Self::kept(context, size) {
            None if context.maps_storage => context.create_buffer_filled("convoke.tensor", size, usage(context), bytes)?,
            kept => {
                let buffer = kept.unwrap_or_else(|| context.create_buffer("convoke.tensor", size, usage(context)));
                context.write_buffer(&buffer, bytes);
                buffer
            }
        };
        context.check()?;
        Ok(Self::pooled(context, buffer))
    }

    /// Frees what is idle.
    pub(crate) fn clear(&self) {
        *lock(&self.idle) = Idle::default();
    }

    /// An idle buffer of this size class.
    fn kept(context: &Context, size: u64) -> Option<wgpu::Buffer> {
        let mut idle = lock(&context.pool.idle);
        let kept = idle.by_size.get_mut(&size).and_then(Vec::pop)?;
        idle.bytes -= size;
        Some(kept)
    }

    fn pooled(context: &Context, buffer: wgpu::Buffer) -> Arc<PooledBuffer> {
        Arc::new(PooledBuffer {
            buffer,
            pool: Arc::clone(&context.pool),
        })
    }

    /// A buffer that no pool gets back: it is freed with its last owner.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn apart(context: &Context, bytes: u64) -> Result<Arc<PooledBuffer>> {
        let buffer = context.create_buffer("convoke.tensor", bytes, usage(context));
        context.check()?;
        let pool = Arc::default();
        Ok(Arc::new(PooledBuffer { buffer, pool }))
    }
}

impl PooledBuffer {
    pub(crate) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        let size = self.buffer.size();
        let mut idle = lock(&self.pool.idle);
        if idle.bytes + size <= IDLE_LIMIT {
            idle.bytes += size;
            idle.by_size.entry(size).or_default().push(self.buffer.clone());
        }
    }
}

/// What may be done with a pooled buffer: where the adapter's memory is the host's, to map it as well.
fn usage(context: &Context) -> wgpu::BufferUsages {
    if context.maps_storage {
        USAGE | wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE
    } else {
        USAGE
    }
}

/// Sixteen classes an octave, so that at most a sixteenth of a large buffer is unused; never below 256 bytes.
fn size_class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let step = (bytes.next_power_of_two() / 32).max(64);
    bytes.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_hold_the_bytes_and_waste_little() {
        for bytes in (1..100_000u64).chain([u64::from(u32::MAX), 1 << 31]) {
            let class = size_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(16), "{bytes}: {class}");
            assert!(class <= 256.max(bytes + bytes / 16 + 64), "{bytes}: {class}");
            assert_eq!(size_class(class), class, "{bytes}");
        }
    }
}
