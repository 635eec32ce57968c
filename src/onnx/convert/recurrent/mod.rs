//! LSTM, GRU and RNN: what a node says of its layer, and its directions one after another.
//!
//! All steps of the input are projected by one linear layer. The rest is unrolled: each step is a few nodes.

mod activation;
mod layer;
mod steps;

pub(super) use layer::{gru, lstm, rnn};
