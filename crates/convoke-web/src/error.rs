//! The library's errors as JavaScript's.

use convoke::Error;
use wasm_bindgen::JsValue;

/// What functions for JavaScript give.
pub(crate) type Result<T> = std::result::Result<T, JsValue>;

/// An `Error` with the library's text, and its kind as `code`.
pub(crate) fn thrown(error: &Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    thrown.set_name("ConvokeError");
    // An object that was just made takes any property.
    let _ = js_sys::Reflect::set(&thrown, &"code".into(), &code(error).into());
    thrown.into()
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::InvalidArgument { .. } => "InvalidArgument",
        Error::Unsupported { .. } => "Unsupported",
        Error::NoAdapter(_) => "NoAdapter",
        Error::LimitExceeded { .. } => "LimitExceeded",
        Error::OverLimit { .. } => "OverLimit",
        Error::OutOfMemory(_) | Error::OutOfHostMemory(_) => "OutOfMemory",
        Error::DeviceLost(_) => "DeviceLost",
        Error::Gpu(_) => "Gpu",
        Error::Weights(_) => "Weights",
        Error::Onnx(_) => "Onnx",
        _ => "Internal",
    }
}
