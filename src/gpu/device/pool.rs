//! Storage buffers, kept by size class and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::error::Result;
use crate::gpu::device::raw_device::RawDevice;
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
    pub(crate) fn take(pool: &Arc<Self>, device: &RawDevice, bytes: u64) -> Result<Arc<PooledBuffer>> {
        let size = size_class(bytes).min(device.capabilities.limits.max_buffer_size.max(bytes));
        let buffer = match Self::kept(pool, size) {
            Some(buffer) => buffer,
            None => device.create_buffer("convoke.tensor", size, usage(device)),
        };
        device.check()?;
        Ok(Self::pooled(pool, buffer))
    }

    /// A buffer that begins with these bytes. Where the adapter's memory is the host's, a new one is written in place.
    pub(crate) fn filled(pool: &Arc<Self>, device: &RawDevice, bytes: &[u8]) -> Result<Arc<PooledBuffer>> {
        let length = bytes.len() as u64;
        let size = size_class(length).min(device.capabilities.limits.max_buffer_size.max(length));
        let buffer = match Self::kept(pool, size) {
            None if device.maps_storage => device.create_buffer_filled("convoke.tensor", size, usage(device), bytes)?,
            kept => {
                let buffer = kept.unwrap_or_else(|| device.create_buffer("convoke.tensor", size, usage(device)));
                device.write_buffer(&buffer, bytes);
                buffer
            }
        };
        device.check()?;
        Ok(Self::pooled(pool, buffer))
    }

    /// An idle buffer of this size class.
    fn kept(pool: &Self, size: u64) -> Option<wgpu::Buffer> {
        let mut idle = lock(&pool.idle);
        let kept = idle.by_size.get_mut(&size).and_then(Vec::pop)?;
        idle.bytes -= size;
        Some(kept)
    }

    fn pooled(pool: &Arc<Self>, buffer: wgpu::Buffer) -> Arc<PooledBuffer> {
        Arc::new(PooledBuffer {
            buffer,
            pool: Arc::clone(pool),
        })
    }

    /// A buffer that no pool gets back: it is freed with its last owner.
    pub(crate) fn apart(device: &RawDevice, bytes: u64) -> Result<Arc<PooledBuffer>> {
        let buffer = device.create_buffer("convoke.tensor", bytes, usage(device));
        device.check()?;
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
        } else if cfg!(target_family = "wasm") {
            // A page's memory would stay taken until the browser collects its garbage, which knows nothing of a GPU's.
            self.buffer.destroy();
        }
    }
}

/// What may be done with a pooled buffer: where the adapter's memory is the host's, to map it as well.
fn usage(device: &RawDevice) -> wgpu::BufferUsages {
    if device.maps_storage {
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
