//! Sessions that are stopped, whose devices fail, that are saved and loaded, that run frame after frame or batch after batch, and whose
//! runs are certified.

mod batches;
#[cfg(all(feature = "certificates", feature = "cpu"))]
mod certificates;
mod compiled;
mod recovery;
mod stopped;
mod stream;
