use crate::gpu::wgsl::parameters::parameters;

parameters! {
    /// What `lstm_step`, `gru_step` and `rnn_step` take.
    StepParameters {
        /// N * H: of the state
        elements: u32,
        /// H
        hidden: u32,
        /// its number
        step: u32,
    }
}
