use crate::gpu::wgsl::parameters::{MOST_AXES, parameters};

parameters! {
    /// What `arg_reduce` and `cumulative` take.
    RowParameters {
        /// along the axis
        extent: u32,
        /// elements after the axis: the distance between neighbours along it
        inner: u32,
        /// outer * inner
        rows: u32,
    }

    /// What `top_k_select` and `top_k_sort` take.
    TopKParameters {
        /// along the axis
        extent: u32,
        /// elements after the axis: the distance between neighbours along it
        inner: u32,
        /// outer * inner
        rows: u32,
        k: u32,
        /// How many bits places have, in whole digits of `top_k_select`.
        place_bits: u32,
    }

    /// What `reduce`, `reduce_rows` and `fold` take.
    ReduceParameters {
        outputs: u32,
        /// outputs * parts
        tasks: u32,
        /// of an output, in Reals
        terms: u32,
        /// of a task; the last part may have fewer
        part_terms: u32,
        /// of a mean
        divisor: f32,
        unused: [u32; 3],
        /// The last axis first: extent and input stride of a kept axis (KEPT count), then of a reduced one, in Reals.
        axes: [[u32; 4]; MOST_AXES],
    }

    /// What `fill` takes.
    FillParameters {
        elements: u32,
        bits: u32,
    }

    /// What `instance_norm` takes.
    InstanceNormParameters {
        /// elements of one plane
        plane: u32,
        /// N * C
        planes: u32,
        channels: u32,
        eps: f32,
    }

    /// What `instance_norm_apply` takes.
    InstanceNormApplyParameters {
        /// elements of one plane
        plane: u32,
        /// N * C
        planes: u32,
        channels: u32,
        /// of a plane
        chunks: u32,
        eps: f32,
    }

    /// What `layer_norm` takes.
    LayerNormParameters {
        rows: u32,
        /// of a row, in Reals
        extent: u32,
        /// elements of a row
        divisor: f32,
        eps: f32,
    }

    /// What `layer_norm_apply` takes.
    LayerNormApplyParameters {
        rows: u32,
        /// of a row, in Reals
        extent: u32,
        /// of a row
        chunks: u32,
        eps: f32,
    }

    /// What `local_response_norm` takes.
    LocalResponseNormParameters {
        /// N * C * plane
        elements: u32,
        channels: u32,
        /// elements of one plane: the distance between channels
        plane: u32,
        /// channels summed before the element's own, and after it
        before: u32,
        after: u32,
        /// alpha / size
        factor: f32,
        /// positive, as k is
        beta: f32,
        k: f32,
    }

    /// What `softmax` takes.
    SoftmaxParameters {
        /// along the axis
        extent: u32,
        /// elements after the axis: the distance between neighbours along it
        inner: u32,
        /// outer * inner
        rows: u32,
    }

    /// What `softmax_apply` takes.
    SoftmaxApplyParameters {
        /// along the axis, in Reals
        extent: u32,
        /// elements after the axis: the distance between neighbours along it
        inner: u32,
        /// outer * inner
        rows: u32,
        /// of a row
        chunks: u32,
    }

    /// What `softmax_rows` takes.
    SoftmaxRowsParameters {
        rows: u32,
        /// of a row, in Reals
        extent: u32,
    }
}
