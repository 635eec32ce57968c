use crate::gpu::wgsl::parameters::{MOST_AXES, parameters};

parameters! {
    /// What `gather` takes.
    GatherParameters {
        items: u32,
        /// Parts along the axis.
        extent: i32,
        /// Items of a part.
        inner: u32,
        /// How many there are.
        indices: u32,
    }

    /// What `interpolate` takes.
    InterpolateParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        /// N * C * OH * OW
        outputs: u32,
        /// elements of the input to one of the output
        scale_height: f32,
        scale_width: f32,
    }

    /// What `interpolate_nearest` takes.
    NearestParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        /// N * C * OH * OW
        outputs: u32,
    }

    /// What `pad2d` takes.
    PadParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        pad_top: i32,
        pad_left: i32,
        /// ceil(`out_height` / ROWS)
        row_blocks: u32,
        /// ceil(`row_blocks` * `out_width` / LANES)
        position_blocks: u32,
        /// N * C
        planes: u32,
        /// the constant of the zeros mode
        value: f32,
    }

    /// What `resample` takes.
    ResampleParameters {
        outputs: u32,
        /// Elements between neighbours along the axis.
        inner: u32,
        /// Elements along the axis.
        extent: u32,
        /// Sums along the axis.
        length: u32,
        /// What a sum without taps is.
        empty: f32,
    }

    /// What `strided_copy` takes.
    StridedCopyParameters {
        items: u32,
        input_offset: u32,
        output_offset: u32,
        unused: [u32; 1],
        /// The first AXES count, the last axis first: extent, input stride, output stride (both modulo 2^32), unused.
        axes: [[u32; 4]; MOST_AXES],
    }
}
