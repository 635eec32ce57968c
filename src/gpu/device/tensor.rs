//! Tensors in GPU memory.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::gpu::device::context::Context;
use crate::gpu::device::pool::PooledBuffer;
#[cfg(not(target_family = "wasm"))]
use crate::gpu::device::readback::write_in_place;
use crate::gpu::device::readback::{Readback, staging_buffer};
use crate::lock::lock;
use crate::precision::{Precision, to_halves};
use crate::shape::element_count;

/// A type that a tensor's elements may have.
pub trait Element: bytemuck::Pod + sealed::Sealed {
    /// Its name at run time.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}

impl Element for u32 {
    const DTYPE: DType = DType::U32;
}

mod sealed {
    use crate::precision::{Precision, from_halves};

    pub trait Sealed: Sized {
        /// Elements from their stored form.
        fn from_stored(bytes: &[u8], precision: Precision) -> Vec<Self>;
    }

    impl Sealed for f32 {
        fn from_stored(bytes: &[u8], precision: Precision) -> Vec<Self> {
            match precision {
                Precision::F32 => bytemuck::pod_collect_to_vec(bytes),
                Precision::F16 => from_halves(&bytemuck::pod_collect_to_vec::<u8, u16>(bytes)),
            }
        }
    }

    impl Sealed for u32 {
        fn from_stored(bytes: &[u8], _: Precision) -> Vec<Self> {
            bytemuck::pod_collect_to_vec(bytes)
        }
    }
}
pub(crate) use sealed::Sealed as Stored;

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
    pub(crate) fn upload(context: &Arc<Context>, array: &ArrayViewD<'_, f32>, precision: Precision) -> Result<Self> {
        let shape = array.shape().to_vec();
        let elements = element_count("tensor", &shape)?;
        let buffer = if elements == 0 {
            None
        } else {
            context.capabilities.check_stored("tensor", elements, precision)?;
            Some(with_bytes(array, precision, |bytes| context.filled(bytes))?)
        };
        Ok(Self {
            context: Arc::clone(context),
            buffer,
            shape,
            dtype: DType::F32,
            precision,
        })
    }

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

    /// The extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Copies the tensor to the host and waits for it, and so for all work before it.
    ///
    /// ```no_run
    /// # fn example(values: convoke::gpu::Tensor, indices: convoke::gpu::Tensor) -> convoke::Result<()> {
    /// let values: ndarray::ArrayD<f32> = values.read()?;
    /// let indices = indices.read::<u32>()?;
    /// # Ok(()) }
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn read<T: Element>(&self) -> Result<ArrayD<T>> {
        match self.start_reading::<T>()? {
            None => self.to_array(Vec::new()),
            Some(readback) => {
                let elements = readback.finish_blocking(&self.context, |parts| self.elements(parts[0]))?;
                self.to_array(elements)
            }
        }
    }

    /// Copies the tensor to the host, awaited.
    pub async fn read_async<T: Element>(&self) -> Result<ArrayD<T>> {
        match self.start_reading::<T>()? {
            None => self.to_array(Vec::new()),
            Some(readback) => {
                let elements = readback.finish(&self.context, |parts| self.elements(parts[0])).await?;
                self.to_array(elements)
            }
        }
    }

    fn start_reading<T: Element>(&self) -> Result<Option<Readback>> {
        ensure!(
            T::DTYPE == self.dtype,
            "tensor",
            "its elements are {:?}, but {:?} were asked for",
            self.dtype,
            T::DTYPE
        );
        let Some(buffer) = &self.buffer else {
            return Ok(None);
        };
        let bytes = stored_bytes(&self.shape, self.precision);
        let staging = staging_buffer(&self.context, bytes)?;
        let mut encoder = self.context.encoder("convoke.read");
        encoder.copy_buffer_to_buffer(buffer.buffer(), 0, &staging, 0, bytes);
        Readback::submit(&self.context, encoder, [(staging, bytes)]).map(Some)
    }

    fn elements<T: Element>(&self, bytes: &[u8]) -> Vec<T> {
        T::from_stored(
            &bytes[..self.shape.iter().product::<usize>() * self.precision.bytes()],
            self.precision,
        )
    }

    fn to_array<T>(&self, elements: Vec<T>) -> Result<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(&self.shape), elements).map_err(|error| Error::Internal(format!("reading back: {error}")))
    }
}

/// Queues a write of the array's elements in row-major order to the start of the buffer.
pub(crate) fn write(context: &Context, buffer: &wgpu::Buffer, array: &ArrayViewD<'_, f32>, precision: Precision) -> Result<()> {
    with_bytes(array, precision, |bytes| context.write_buffer(buffer, bytes));
    context.check()
}

/// Writes the array's elements as [`write`] does, at once where buffers can be mapped, which waits for all work before it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_at_once(
    context: &Context,
    buffer: &wgpu::Buffer,
    array: &ArrayViewD<'_, f32>,
    precision: Precision,
) -> Result<()> {
    if !context.maps_storage {
        return write(context, buffer, array, precision);
    }
    with_bytes(array, precision, |bytes| write_in_place(context, buffer, bytes))
}

/// Does something with the array's elements in row-major order, as they are stored.
fn with_bytes<T>(array: &ArrayViewD<'_, f32>, precision: Precision, then: impl FnOnce(&[u8]) -> T) -> T {
    let standard = array.as_standard_layout();
    let elements = standard.as_slice().unwrap_or_default();
    match precision {
        Precision::F32 => then(bytemuck::cast_slice(elements)),
        Precision::F16 => then(bytemuck::cast_slice(&to_halves(elements))),
    }
}

/// The bytes of a tensor, in whole words: what a copy moves.
pub(crate) fn stored_bytes(shape: &[usize], precision: Precision) -> u64 {
    (shape.iter().product::<usize>() * precision.bytes()).next_multiple_of(4) as u64
}
