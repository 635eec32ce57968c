//! Turns of a browser's event loop, between pieces of work that would keep a page from everything else. Natively other threads go on,
//! and nobody waits.

#[cfg(target_family = "wasm")]
mod page;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[cfg(target_family = "wasm")]
pub(crate) use page::{Turns, pause};

use crate::error::{Error, Result};

/// What work gives that waits for nothing, since its turns are [`Turns::none`].
pub(crate) fn at_once<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(Error::Internal("work waited that has no turns".to_owned())),
    }
}

/// Turns that come back at once.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug)]
pub(crate) struct Turns;

#[cfg(not(target_family = "wasm"))]
impl Turns {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn none() -> Self {
        Self
    }

    #[expect(clippy::unused_async, reason = "in a browser it waits")]
    pub(crate) async fn next(&mut self) {}
}
