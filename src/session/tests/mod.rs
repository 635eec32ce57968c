//! Sessions that are stopped, and whose devices fail.

mod recovery;
mod stopped;
