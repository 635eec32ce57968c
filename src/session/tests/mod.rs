//! Sessions that are stopped, whose devices fail, and that run frame after frame.

mod recovery;
mod stopped;
mod stream;
