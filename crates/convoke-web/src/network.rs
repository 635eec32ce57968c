//! Models from ONNX files, and sessions of them.

use std::rc::Rc;
use std::sync::Arc;

use convoke::graph::{Dim, ValueInfo};
use convoke::onnx;
use convoke::session::Check;
use convoke::{Error, Precision, Session, Tensor};
use js_sys::{Array, Function, Promise, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::bound::Bound;
use crate::device::Device;
use crate::error::{Result, thrown};
use crate::reports::{checked, inspected, profiled};
use crate::tensor::{JsTensor, read_all, type_name, written};

/// The bytes of a file, as they come.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Content(Vec<u8>);

#[wasm_bindgen]
impl Content {
    /// Of about so many bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(expected: usize) -> Content {
        let mut bytes = Vec::new();
        // Only so that it need not grow.
        let _ = bytes.try_reserve_exact(expected);
        Self(bytes)
    }

    /// Adds these to the end.
    pub fn append(&mut self, bytes: &Uint8Array) -> Result<()> {
        let (end, length) = (self.0.len(), bytes.length() as usize);
        let room = self.0.try_reserve(length);
        room.map_err(|_| thrown(&Error::OutOfHostMemory(format!("a file of more than {end} bytes"))))?;
        self.0.resize(end + length, 0);
        bytes.copy_to(&mut self.0[end..]);
        Ok(())
    }

    /// How many there are.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

/// A model that was read and checked.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Model(Arc<onnx::Model>);

#[wasm_bindgen]
impl Model {
    /// Reads a file, and the files that its tensors lie in, with the page's turns between tensors.
    pub fn read(content: Content, locations: Vec<String>, files: Vec<Content>) -> Promise {
        let mut options = onnx::Options::new();
        for (location, file) in locations.into_iter().zip(files) {
            options = options.external_file(location, file.0);
        }
        future_to_promise(async move {
            let model = onnx::Model::from_bytes_async(content.0, options).await;
            model
                .map(|model| Self(Arc::new(model)).into())
                .map_err(|error| thrown(&error))
        })
    }

    /// The version of ONNX's operators that it is written for.
    pub fn opset(&self) -> f64 {
        self.0.opset() as f64
    }

    /// How many numbers its weights have.
    pub fn parameters(&self) -> usize {
        self.0.parameters()
    }
}

/// A session.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Network(Rc<Session>);

#[wasm_bindgen]
impl Network {
    /// A session of a model on a device, with numbers stored as `f32` or `f16`.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &Model, device: &Device, precision: &str) -> Result<Network> {
        let precision: Precision = precision.parse().map_err(|error| thrown(&error))?;
        let builder = Session::builder().backend(device.0.clone()).precision(precision);
        let session = builder.build(Arc::clone(&model.0)).map_err(|error| thrown(&error))?;
        Ok(Self(Rc::new(session)))
    }

    /// The inputs in their order: name, type, and extents, each a number, a name or nothing.
    pub fn inputs(&self) -> Array {
        self.0.inputs().iter().map(described).collect()
    }

    /// The outputs in their order, as [`inputs`](Self::inputs).
    pub fn outputs(&self) -> Array {
        self.0.outputs().iter().map(described).collect()
    }

    /// Plans for these shapes of the inputs, each a `Uint32Array`, with `listener` told how many of how many kernels are compiled.
    pub fn prepare(&self, shapes: Vec<Uint32Array>, listener: Function) -> Promise {
        let session = Rc::clone(&self.0);
        future_to_promise(async move {
            let shapes = extents(&shapes);
            let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            let heard = move |done: usize, total: usize| {
                // What a listener throws is its own affair.
                let _ = listener.call2(&JsValue::UNDEFINED, &done.into(), &total.into());
            };
            let prepared = session.prepare_heard_async(&shapes, heard).await;
            prepared.map(|()| JsValue::UNDEFINED).map_err(|error| thrown(&error))
        })
    }

    /// Runs on tensors in the order of the inputs.
    pub fn run(&self, inputs: Vec<JsTensor>) -> Promise {
        let session = Rc::clone(&self.0);
        future_to_promise(async move {
            let inputs = read_all(&inputs)?;
            let outputs = session.run_tensors_async(&inputs.iter().collect::<Vec<_>>()).await;
            arrays(outputs.map_err(|error| thrown(&error))?)
        })
    }

    /// A plan for these shapes of the inputs on a GPU, whose inputs and outputs may be buffers of the page's.
    pub fn bind(&self, device: &Device, shapes: Vec<Uint32Array>) -> Result<Bound> {
        let shapes = extents(&shapes);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let resident = self.0.bind(&shapes).map_err(|error| thrown(&error))?;
        Bound::new(device, resident)
    }

    /// Runs with each operator checked by itself, and `observer` shown each check as it is made: the outputs.
    pub fn verify(&self, inputs: Vec<JsTensor>, observer: Function) -> Promise {
        let session = Rc::clone(&self.0);
        future_to_promise(async move {
            let inputs = read_all(&inputs)?;
            let mut tell = |check: &Check| {
                // What a listener throws is its own affair.
                let _ = observer.call1(&JsValue::UNDEFINED, &checked(check));
            };
            let verified = session.verified_async(&inputs.iter().collect::<Vec<_>>(), &mut tell).await;
            arrays(verified.map_err(|error| thrown(&error))?.1)
        })
    }

    /// Measures so many runs, operator by operator.
    pub fn profile(&self, inputs: Vec<JsTensor>, repetitions: usize) -> Promise {
        let session = Rc::clone(&self.0);
        future_to_promise(async move {
            let inputs = read_all(&inputs)?;
            let profile = session.profile_async(&inputs.iter().collect::<Vec<_>>(), repetitions).await;
            profile.map(|profile| profiled(&profile)).map_err(|error| thrown(&error))
        })
    }

    /// What is computed for these shapes of the inputs.
    pub fn inspect(&self, shapes: Vec<Uint32Array>) -> Result<JsValue> {
        let shapes = extents(&shapes);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        inspected(&self.0, &shapes).map_err(|error| thrown(&error))
    }
}

/// Outputs as JavaScript has them.
fn arrays(outputs: Vec<Tensor>) -> Result<JsValue> {
    let outputs: Array = outputs.into_iter().map(written).collect::<Result<_>>()?;
    Ok(outputs.into())
}

fn extents(shapes: &[Uint32Array]) -> Vec<Vec<usize>> {
    let extents = |shape: &Uint32Array| shape.to_vec().into_iter().map(|extent| extent as usize).collect();
    shapes.iter().map(extents).collect()
}

fn described(info: &ValueInfo) -> JsValue {
    let dims = info.dims.as_ref().map(|dims| {
        let extent = |dim: &Dim| match dim {
            Dim::Known(extent) => JsValue::from(*extent),
            Dim::Symbol(name) => JsValue::from(name),
            Dim::Unknown => JsValue::NULL,
        };
        dims.iter().map(extent).collect::<Array>()
    });
    let dtype = info.dtype.map(type_name);
    Array::of3(
        &JsValue::from(&info.name),
        &dtype.map_or(JsValue::NULL, JsValue::from),
        &dims.map_or(JsValue::NULL, JsValue::from),
    )
    .into()
}
