use crate::gpu::wgsl::parameters::parameters;

parameters! {
    /// What `pool2d_window` takes.
    PoolWindowParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// `in_height` + both paddings; the average's window is clipped to it where padding counts
        padded_height: u32,
        padded_width: u32,
        /// ceil(`out_width` / 4)
        strips: u32,
        /// outputs that an invocation goes down
        segment_rows: u32,
        /// ceil(`out_height` / `segment_rows`)
        segments: u32,
        /// N * C * segments * strips
        invocations: u32,
        count_include_pad: u32,
        /// 0 for none
        divisor_override: f32,
        /// the bits of minus infinity, which WGSL has no literal for
        lowest: u32,
    }

    /// What `pool2d_any` and `pool2d_long` take.
    PoolParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        /// unused where adaptive, like the next six
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_height: u32,
        dilation_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// `in_height` + both paddings; the average's window is clipped to it where padding counts
        padded_height: u32,
        padded_width: u32,
        /// N * C * OH * OW
        outputs: u32,
        count_include_pad: u32,
        /// 0 for none
        divisor_override: f32,
        /// what a row, a column and a plane add to an index
        index_row: u32,
        index_column: u32,
        index_plane: u32,
        /// the bits of minus infinity, which WGSL has no literal for
        lowest: u32,
    }

    /// What `pool3d` takes.
    Pool3dParameters {
        in_depth: u32,
        in_height: u32,
        in_width: u32,
        out_depth: u32,
        out_height: u32,
        out_width: u32,
        /// unused where adaptive, like the next eleven
        kernel_depth: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_depth: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_depth: u32,
        dilation_height: u32,
        dilation_width: u32,
        pad_front: u32,
        pad_top: u32,
        pad_left: u32,
        /// `in_depth` + both paddings; the average's window is clipped to it where padding counts
        padded_depth: u32,
        padded_height: u32,
        padded_width: u32,
        /// N * C * OD * OH * OW
        outputs: u32,
        count_include_pad: u32,
        /// 0 for none
        divisor_override: f32,
        /// what a slice, a row, a column and a volume add to an index
        index_slice: u32,
        index_row: u32,
        index_column: u32,
        index_volume: u32,
        /// the bits of minus infinity, which WGSL has no literal for
        lowest: u32,
    }

    /// What `lp_pool2d` takes.
    LpPoolParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_height: u32,
        dilation_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// N * C * OH * OW
        outputs: u32,
        /// p
        power: u32,
    }
}
