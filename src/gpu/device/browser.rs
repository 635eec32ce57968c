//! The browser's own object of a device, behind wgpu's.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/gpu/device/browser.js")]
extern "C" {
    fn listen() -> u32;

    fn heard();

    fn device(number: u32) -> JsValue;

    #[wasm_bindgen(catch)]
    fn compiled(number: u32, label: &str) -> Result<Promise, JsValue>;

    fn lend(number: u32, object: &JsValue);
}

/// A device of the browser's that convoke opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserDevice(u32);

impl BrowserDevice {
    /// What `ask` gives, and the device that it asks for before it returns.
    pub(crate) fn of<T>(ask: impl FnOnce() -> T) -> (T, Self) {
        let number = listen();
        let asked = ask();
        heard();
        (asked, Self(number))
    }

    /// A `GPUDevice`; `undefined` once it is lost.
    pub(crate) fn handle(self) -> JsValue {
        device(self.0)
    }

    /// A `GPUComputePipeline` of the module and the layout that were made last, once the browser has compiled it.
    pub(crate) fn compiled(self, label: &str) -> Result<Promise, JsValue> {
        compiled(self.0, label)
    }

    /// What `make` makes of a `GPUBuffer` or a `GPUComputePipeline` that is there: it asks for a new one and gets this.
    pub(crate) fn lent<T>(self, object: &JsValue, make: impl FnOnce() -> T) -> T {
        lend(self.0, object);
        let made = make();
        lend(self.0, &JsValue::UNDEFINED);
        made
    }
}
