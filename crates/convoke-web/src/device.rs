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

    /// The CPU.
    pub fn cpu() -> Self {
        Self(Backend::cpu())
    }

    /// What it is, for people.
    pub fn description(&self) -> String {
        self.0.to_string()
    }
}
