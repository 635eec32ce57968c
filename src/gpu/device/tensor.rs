//! Tensors in GPU memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndarray::ArrayD;

use crate::dtype::DType;
use crate::error::Result;
use crate::gpu::device::context::Context;
use crate::gpu::device::pool::PooledBuffer;
#[cfg(not(target_family = "wasm"))]
use crate::gpu::device::readback::write_in_place;
use crate::gpu::device::readback::{Readback, staging_buffer};
use crate::gpu::device::stored::{from_stored, stored_bytes, stored_precision, with_bytes};
use crate::lock::lock;
use crate::precision::Precision;
use crate::shape::element_count;
use crate::tensor::{Element, Tensor as HostTensor, TensorView};

/// A tensor in GPU memory, row-major. Cheap to clone; its memory goes back to a pool with the last clone.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(crate) context: Arc<Context>,
    /// None where there are no elements.
    pub(crate) buffer: Option<Arc<PooledBuffer>>,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    /// How the elements of a tensor of reals are stored.
    pub(crate) precision: Precision,
}

impl Tensor {
    pub(crate) fn upload(context: &Arc<Context>, tensor: &TensorView<'_>, precision: Precision) -> Result<Self> {
        let (shape, dtype) = (tensor.shape().to_vec(), tensor.dtype());
        let precision = stored_precision(dtype, precision);
        let elements = element_count("tensor", &shape)?;
        let buffer = if elements == 0 {
            None
        } else {
            context.capabilities.check_stored("tensor", elements, precision.bytes())?;
            Some(with_bytes(tensor, precision, |bytes| context.filled(bytes))??)
        };
        Ok(Self {
            context: Arc::clone(context),
            buffer,
            shape,
            dtype,
            precision,
        })
    }

    /// The array as a constant: uploaded, unless an equal one is on the device that is stored so.
    pub(crate) fn constant(context: &Arc<Context>, array: &TensorView<'_>, precision: Precision) -> Result<Self> {
        let precision = stored_precision(array.dtype(), precision);
        let constants = &context.constants;
        let key = (constants.seeds.key(array), precision);
        // Held while it is uploaded: whoever wants the same one meanwhile gets it.
        let mut buffers = lock(&constants.buffers);
        if let Some(buffer) = buffers.get(&key) {
            return Ok(Self {
                context: Arc::clone(context),
                buffer: Some(buffer),
                shape: array.shape().to_vec(),
                dtype: array.dtype(),
                precision,
            });
        }
        let tensor = Self::upload(context, array, precision)?;
        if let Some(buffer) = &tensor.buffer {
            constants
                .uploaded
                .fetch_add(stored_bytes(&tensor.shape, precision), Ordering::Relaxed);
            buffers.insert(key, buffer);
        }
        Ok(tensor)
    }

    /// The extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The buffer in which the tensor lies from its first byte on, row-major, for programs that use wgpu beside convoke: to be bound as
    /// storage, or copied from and to. `None` where there are no elements.
    ///
    /// `f32` takes four bytes an element, or two where a session stores 16-bit floats; whole numbers and bools of every type are `i32`
    /// of four bytes. The buffer may be longer than the tensor. It goes back to a pool with the tensor's last clone, so that work on
    /// it is to be submitted before.
    pub fn buffer(&self) -> Option<&wgpu::Buffer> {
        self.buffer.as_ref().map(|buffer| buffer.buffer())
    }

    /// Copies the tensor to the host and waits for it, and so for all work before it.
    ///
    /// ```no_run
    /// # fn example(values: convoke::gpu::Tensor, indices: convoke::gpu::Tensor) -> convoke::Result<()> {
    /// let values: ndarray::ArrayD<f32> = values.read()?;
    /// let indices = indices.read::<i64>()?;
    /// # Ok(()) }
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn read<T: Element>(&self) -> Result<ArrayD<T>> {
        self.read_any()?.into_array()
    }

    /// Copies the tensor to the host, whatever the type of its elements, and waits for it.
    #[cfg(not(target_family = "wasm"))]
    pub fn read_any(&self) -> Result<HostTensor> {
        match self.start_reading()? {
            None => self.to_host(&[]),
            Some(readback) => readback.finish_blocking(&self.context, |parts| self.to_host(parts[0]))?,
        }
    }

    /// Copies the tensor to the host, awaited.
    pub async fn read_async<T: Element>(&self) -> Result<ArrayD<T>> {
        self.read_any_async().await?.into_array()
    }

    /// [`read_any`](Self::read_any), awaited.
    pub async fn read_any_async(&self) -> Result<HostTensor> {
        match self.start_reading()? {
            None => self.to_host(&[]),
            Some(readback) => readback.finish(&self.context, |parts| self.to_host(parts[0])).await?,
        }
    }

    /// [`read_any`](Self::read_any), as [`Readback::finish_here`] waits.
    pub(crate) async fn read_any_here(&self) -> Result<HostTensor> {
        match self.start_reading()? {
            None => self.to_host(&[]),
            Some(readback) => readback.finish_here(&self.context, |parts| self.to_host(parts[0])).await?,
        }
    }

    fn start_reading(&self) -> Result<Option<Readback>> {
        let Some(buffer) = &self.buffer else {
            return Ok(None);
        };
        let bytes = stored_bytes(&self.shape, self.precision);
        let staging = staging_buffer(&self.context, bytes)?;
        let mut encoder = self.context.encoder("convoke.read");
        encoder.copy_buffer_to_buffer(buffer.buffer(), 0, &staging, 0, bytes);
        Readback::submit(&self.context, encoder, [(staging, bytes)]).map(Some)
    }

    fn to_host(&self, bytes: &[u8]) -> Result<HostTensor> {
        from_stored(self.dtype, &self.shape, bytes, self.precision)
    }
}

/// Queues a write of the array's elements in row-major order to the start of the buffer.
pub(crate) fn write(context: &Context, buffer: &wgpu::Buffer, array: &TensorView<'_>, precision: Precision) -> Result<()> {
    with_bytes(array, precision, |bytes| context.write_buffer(buffer, bytes))?;
    context.check()
}

/// Writes the array's elements as [`write`] does, at once where buffers can be mapped, which waits for all work before it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_at_once(context: &Context, buffer: &wgpu::Buffer, array: &TensorView<'_>, precision: Precision) -> Result<()> {
    if !context.maps_storage {
        return write(context, buffer, array, precision);
    }
    with_bytes(array, precision, |bytes| write_in_place(context, buffer, bytes))?
}
