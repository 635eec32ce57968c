//! A turn of a browser's event loop, for work that would keep a page from everything else.

use wasm_bindgen::{JsCast, JsValue};

/// Comes back when the page has done what was waiting.
pub(crate) async fn turn() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // Windows and workers have the same timer. Without one there is nobody to wait for.
        let timer = js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into()).and_then(JsCast::dyn_into::<js_sys::Function>);
        let _ = match timer {
            Ok(set_timeout) => set_timeout.call2(&JsValue::UNDEFINED, &resolve, &0.into()),
            Err(_) => resolve.call0(&JsValue::UNDEFINED),
        };
    });
    // It cannot be rejected.
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
