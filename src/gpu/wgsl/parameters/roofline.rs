use crate::gpu::wgsl::parameters::parameters;

parameters! {
    /// What `ceiling_copy` takes.
    CopyParameters {
        /// of four elements
        items: u32,
    }

    /// What `ceiling_multiply_add` takes.
    MultiplyAddParameters {
        rounds: u32,
        invocations: u32,
    }
}
