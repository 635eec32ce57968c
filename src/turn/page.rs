//! A turn of a browser's event loop, for work that would keep a page from everything else.

use wasm_bindgen::{JsCast, JsValue};

/// Milliseconds that work may take before the page has its turn: under those of a picture on the screen.
const LONGEST: f64 = 10.0;

/// Lets the page have its turn wherever enough time has passed since the last one.
pub(crate) struct Turns {
    /// Nothing where the page has no turn at all.
    last: Option<f64>,
    /// Hears how many of how many kernels are compiled.
    listener: Option<Box<dyn FnMut(usize, usize)>>,
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            last: Some(js_sys::Date::now()),
            listener: None,
        }
    }

    /// [`new`](Self::new), with a listener to what is told.
    pub(crate) fn heard_by(listener: impl FnMut(usize, usize) + 'static) -> Self {
        Self {
            listener: Some(Box::new(listener)),
            ..Self::new()
        }
    }

    /// Those of work that is to be done at once.
    pub(crate) fn none() -> Self {
        Self {
            last: None,
            listener: None,
        }
    }

    /// Tells that so many of so many kernels are compiled.
    pub(crate) fn tell(&mut self, done: usize, total: usize) {
        if let Some(listener) = &mut self.listener {
            listener(done, total);
        }
    }

    /// Whether work may wait for the page.
    pub(crate) fn may_wait(&self) -> bool {
        self.last.is_some()
    }

    /// Called between pieces of work; comes back at once, or when the page has done what was waiting.
    pub(crate) async fn next(&mut self) {
        if let Some(last) = &mut self.last
            && js_sys::Date::now() - *last >= LONGEST
        {
            turn().await;
            *last = js_sys::Date::now();
        }
    }
}

/// Comes back when the page has done what was waiting.
async fn turn() {
    // Newer browsers come back at once where nothing waits; a timer takes 4 ms.
    let scheduler = js_sys::Reflect::get(&js_sys::global(), &"scheduler".into()).unwrap_or_default();
    let next = function(&scheduler, "yield").and_then(|next| next.call0(&scheduler));
    match next.and_then(JsCast::dyn_into::<js_sys::Promise>) {
        Ok(promise) => settled(promise).await,
        Err(_) => pause(0).await,
    }
}

/// Comes back after so many milliseconds.
pub(crate) async fn pause(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // Windows and workers have the same timer. Without one there is nobody to wait for.
        let _ = match function(&js_sys::global(), "setTimeout") {
            Ok(set_timeout) => set_timeout.call2(&JsValue::UNDEFINED, &resolve, &milliseconds.into()),
            Err(_) => resolve.call0(&JsValue::UNDEFINED),
        };
    });
    settled(promise).await;
}

fn function(object: &JsValue, name: &str) -> Result<js_sys::Function, JsValue> {
    js_sys::Reflect::get(object, &name.into()).and_then(JsCast::dyn_into)
}

/// Waits for a promise that cannot be rejected.
async fn settled(promise: js_sys::Promise) {
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
