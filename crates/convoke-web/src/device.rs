//! What networks run on.

use convoke::gpu::AdapterChoice;
use convoke::{Backend, Gpu};
use wasm_bindgen::prelude::*;

use crate::error::{Result, thrown};

/// A GPU that the browser opened, or the CPU.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Device(pub(crate) Backend);

#[wasm_bindgen]
impl Device {
    /// The browser's GPU.
    #[wasm_bindgen(js_name = openGpu)]
    pub async fn open_gpu() -> Result<Device> {
        let gpu = Gpu::builder().choice(AdapterChoice::Any).build_async().await;
        Ok(Self(gpu.map_err(|error| thrown(&error))?.into()))
    }

    /// The CPU, where this build has more of it than the reference.
    pub fn cpu() -> Result<Device> {
        if cfg!(feature = "cpu") {
            return Ok(Self(Backend::cpu()));
        }
        let message = "the CPU, which the entry \"convoke/webgpu\" leaves out; \"convoke\" has it";
        Err(thrown(&convoke::Error::unsupported("session", message)))
    }

    /// Whether it is a GPU that is known to be lost.
    #[wasm_bindgen(js_name = isLost)]
    pub fn is_lost(&self) -> bool {
        matches!(&self.0, Backend::Gpu(gpu) if gpu.is_lost())
    }

    /// The browser's `GPUDevice`; `undefined` of the CPU, and of one that is lost.
    #[wasm_bindgen(js_name = browserDevice)]
    pub fn browser_device(&self) -> JsValue {
        match &self.0 {
            Backend::Gpu(gpu) => gpu.browser_device(),
            _ => JsValue::UNDEFINED,
        }
    }

    /// What it is, for people.
    pub fn description(&self) -> String {
        self.0.to_string()
    }
}
