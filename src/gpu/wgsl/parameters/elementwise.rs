use crate::gpu::wgsl::parameters::{MOST_AXES, parameters};

/// Vectors of numbers that a chain takes.
pub(crate) const CHAIN_VECTORS: usize = 6;

parameters! {
    /// What `unary` takes.
    UnaryParameters {
        /// ceil(elements / 4)
        quads: u32,
        /// the activation's parameters
        first: f32,
        second: f32,
    }

    /// What `chain` takes.
    ChainParameters {
        /// ceil(elements / 4)
        quads: u32,
        /// places along the axis
        extent: u32,
        /// elements after the axis: the distance between neighbours along it
        inner: u32,
        unused: [u32; 1],
        /// bits of numbers that functions take
        numbers: [[u32; 4]; CHAIN_VECTORS],
    }

    /// What `prelu` takes.
    PReluParameters {
        /// elements of one plane
        plane: u32,
        /// ceil(plane / (LANES * ITEMS))
        chunks: u32,
        /// N * C
        planes: u32,
        /// 1 or C
        slopes: u32,
    }

    /// What `batch_norm` takes.
    BatchNormParameters {
        /// elements of one plane
        plane: u32,
        /// ceil(plane / (LANES * ITEMS))
        chunks: u32,
        /// N * C
        planes: u32,
        channels: u32,
        eps: f32,
    }

    /// What `binary` and `ternary` take.
    BroadcastParameters {
        elements: u32,
        unused: [u32; 3],
        /// One for each of at most AXES axes, the last axis first: extent, and the inputs' strides (0 where broadcast).
        axes: [[u32; 4]; MOST_AXES],
    }
}
