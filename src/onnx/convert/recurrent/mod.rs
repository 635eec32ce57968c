//! LSTM, GRU and RNN: what a node says of its layer, and its directions one after another.
//!
//! All steps of the input are projected by one linear layer. The rest is one operator where it is what PyTorch has, and unrolled
//! otherwise: each step is a few nodes then.

mod activation;
mod layer;
mod quantised;
mod steps;
mod whole;

pub(super) use layer::{dynamic_quantize_lstm, gru, lstm, rnn};
