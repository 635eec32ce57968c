//! Turns of a browser's event loop, between pieces of work that would keep a page from everything else. Natively other threads go on,
//! and nobody waits.

#[cfg(target_family = "wasm")]
mod page;

#[cfg(target_family = "wasm")]
pub(crate) use page::{Turns, pause};

/// Turns that come back at once.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug)]
pub(crate) struct Turns;

#[cfg(not(target_family = "wasm"))]
impl Turns {
    pub(crate) fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_async, reason = "in a browser it waits")]
    pub(crate) async fn next(&mut self) {}
}
