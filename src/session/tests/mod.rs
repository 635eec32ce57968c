//! Sessions that are stopped, whose devices fail, that run frame after frame, and whose runs are certified.

#[cfg(all(feature = "certificates", feature = "cpu"))]
mod certificates;
mod recovery;
mod stopped;
mod stream;
