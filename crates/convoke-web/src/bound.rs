//! Runs whose inputs and outputs lie in GPU memory, in buffers of the page's.

use std::rc::Rc;

use convoke::gpu::{Resident, Tensor};
use convoke::wgpu::{Buffer, BufferUsages, CommandEncoder};
use convoke::{Backend, DType, Error, Gpu};
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::device::Device;
use crate::error::{Result, thrown};
use crate::tensor::{JsTensor, read, type_name, written};

/// What stands behind a session for certain shapes of its inputs.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Bound(Rc<Parts>);

#[derive(Debug)]
struct Parts {
    gpu: Gpu,
    resident: Resident,
}

impl Bound {
    pub(crate) fn new(device: &Device, resident: Resident) -> Result<Self> {
        match &device.0 {
            Backend::Gpu(gpu) => Ok(Self(Rc::new(Parts {
                gpu: gpu.clone(),
                resident,
            }))),
            _ => {
                let message = "tensors in GPU memory on the CPU backend";
                Err(thrown(&Error::unsupported("session", message)))
            }
        }
    }
}

#[wasm_bindgen]
impl Bound {
    /// The outputs in their order: type and extents.
    pub fn outputs(&self) -> Array {
        let outputs = self.0.resident.outputs();
        let told = |output: &Tensor| {
            let dims: Array = output.shape().iter().map(|&extent| JsValue::from(extent)).collect();
            JsValue::from(Array::of2(&type_name(output.dtype()).into(), &dims))
        };
        outputs.iter().map(told).collect()
    }

    /// A run, whose inputs are to be given one by one.
    pub fn begin(&self) -> BoundRun {
        let encoder = self.0.gpu.device().create_command_encoder(&Default::default());
        BoundRun {
            parts: Rc::clone(&self.0),
            encoder,
            uploaded: Vec::new(),
            outputs: self.0.resident.outputs().into_iter().map(Some).collect(),
        }
    }
}

/// A run of [`Bound`] that was not submitted yet.
#[wasm_bindgen]
#[derive(Debug)]
pub struct BoundRun {
    parts: Rc<Parts>,
    encoder: CommandEncoder,
    /// What is copied from until the run is submitted.
    uploaded: Vec<Tensor>,
    /// Those that are to be read.
    outputs: Vec<Option<Tensor>>,
}

#[wasm_bindgen]
impl BoundRun {
    /// An input of the page's memory.
    pub fn upload(&mut self, index: usize, tensor: &JsTensor) -> Result<()> {
        let uploaded = self.parts.gpu.upload_any(read(tensor)?.view());
        let uploaded = uploaded.map_err(|error| thrown(&error))?;
        let own = &self.parts.resident.inputs()[index];
        if let (Some(from), Some(to)) = (uploaded.buffer(), own.buffer()) {
            self.encoder.copy_buffer_to_buffer(from, 0, to, 0, bytes(own));
        }
        self.uploaded.push(uploaded);
        Ok(())
    }

    /// An input that lies in a `GPUBuffer`, of the type that is named.
    pub fn take(&mut self, index: usize, dtype: &str, buffer: &JsValue) -> Result<()> {
        let own = &self.parts.resident.inputs()[index];
        if type_name(own.dtype()) != dtype {
            let message = format!("expected {} for input {index}, but got {dtype}", type_name(own.dtype()));
            return Err(thrown(&Error::invalid("session", message)));
        }
        if let Some(to) = own.buffer() {
            let from = self.lent(buffer, own, BufferUsages::COPY_SRC)?;
            self.encoder.copy_buffer_to_buffer(&from, 0, to, 0, bytes(own));
        }
        Ok(())
    }

    /// Appends the kernels, once all inputs are given.
    pub fn encode(&mut self) -> Result<()> {
        self.parts.resident.encode(&mut self.encoder).map_err(|error| thrown(&error))
    }

    /// Has an output written to a `GPUBuffer`, once the kernels are there.
    pub fn give(&mut self, index: usize, buffer: &JsValue) -> Result<()> {
        let Some(own) = self.outputs[index].take() else {
            return Ok(());
        };
        if !matches!(own.dtype(), DType::F32 | DType::I32) {
            let dtype = own.dtype();
            let message = format!("output {index} of {dtype} in GPU memory, where only f32 and i32 can be");
            return Err(thrown(&Error::unsupported("session", message)));
        }
        if let Some(from) = own.buffer() {
            let to = self.lent(buffer, &own, BufferUsages::COPY_DST)?;
            self.encoder.copy_buffer_to_buffer(from, 0, &to, 0, bytes(&own));
        }
        Ok(())
    }

    /// Submits it, and reads the outputs that were not given a buffer.
    pub fn submit(self) -> Promise {
        self.parts.gpu.queue().submit([self.encoder.finish()]);
        future_to_promise(async move {
            let read = Array::new();
            for output in self.outputs {
                let Some(output) = output else {
                    read.push(&JsValue::UNDEFINED);
                    continue;
                };
                let tensor = output.read_any_async().await.map_err(|error| thrown(&error))?;
                read.push(&written(tensor)?);
            }
            Ok(read.into())
        })
    }
}

impl BoundRun {
    /// A `GPUBuffer` for the elements of a tensor.
    fn lent(&self, buffer: &JsValue, tensor: &Tensor, usage: BufferUsages) -> Result<Buffer> {
        let lent = self.parts.gpu.browser_buffer(buffer, bytes(tensor), usage);
        lent.map_err(|error| thrown(&error))
    }
}

/// Bytes of the elements: four each, on the GPU.
fn bytes(tensor: &Tensor) -> u64 {
    4 * tensor.shape().iter().product::<usize>() as u64
}
