//! Sessions that are stopped, whose devices fail, that run frame after frame or batch after batch, and whose runs are certified.

mod batches;
#[cfg(all(feature = "certificates", feature = "cpu"))]
mod certificates;
mod recovery;
mod stopped;
mod stream;
