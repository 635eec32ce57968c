use crate::gpu::wgsl::parameters::parameters;

parameters! {
    /// What `conv2d_direct` takes.
    DirectParameters {
        /// per group
        in_channels: u32,
        in_height: u32,
        in_width: u32,
        /// per group
        out_channels: u32,
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
        /// the taps and input channels that this call sums; others have summed the rest, or will
        first_tap: u32,
        /// not included, as the last channel is not
        last_tap: u32,
        first_channel: u32,
        last_channel: u32,
        /// ceil(`out_height` / ROWS)
        row_blocks: u32,
        /// ceil(`row_blocks` * `out_width` / LANES)
        position_blocks: u32,
        /// ceil(`out_channels` / CHANNELS)
        channel_blocks: u32,
        groups: u32,
        batch: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `conv3d` and `conv_integer` take.
    Conv3dParameters {
        /// per group
        in_channels: u32,
        in_depth: u32,
        in_height: u32,
        in_width: u32,
        /// per group
        out_channels: u32,
        out_depth: u32,
        out_height: u32,
        out_width: u32,
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
        /// the taps and input channels that this call sums; others have summed the rest, or will
        first_tap: u32,
        /// not included, as the last channel is not
        last_tap: u32,
        first_channel: u32,
        last_channel: u32,
        groups: u32,
        /// N * output channels * OD * OH * OW
        outputs: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `conv2d_depthwise` takes.
    DepthwiseParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        out_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// ceil(`out_width` / 4)
        strips: u32,
        /// outputs that an invocation goes down
        segment_rows: u32,
        /// ceil(`out_height` / `segment_rows`)
        segments: u32,
        /// batch * groups * segments * strips
        invocations: u32,
        groups: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `conv2d_tiled` takes.
    Conv2dTiledParameters {
        /// per group
        in_channels: u32,
        in_height: u32,
        in_width: u32,
        /// per group
        out_channels: u32,
        out_width: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_height: u32,
        dilation_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// of each sum: taps * `in_channels`
        terms: u32,
        /// of an output plane
        positions: u32,
        /// batch * positions
        all_positions: u32,
        /// ceil(`out_channels` / `TILE_CHANNELS`)
        channel_tiles: u32,
        /// ceil(`all_positions` / `TILE_POSITIONS`)
        position_tiles: u32,
        groups: u32,
        /// splits * groups * `position_tiles` * `channel_tiles`
        workgroups: u32,
        /// ceil(terms / SLICE)
        slices: u32,
        /// of a workgroup
        split_slices: u32,
        /// Reals of an output, by which the parts of a split lie apart
        outputs: u32,
        /// in Reals
        out_channel_stride: u32,
        out_position_stride: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `im2col` takes.
    Im2colParameters {
        in_height: u32,
        in_width: u32,
        out_width: u32,
        /// `out_height` * `out_width`
        positions: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_height: u32,
        dilation_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// batch * input channels
        planes: u32,
        /// that an invocation goes through
        segment_planes: u32,
        /// ceil(positions / 4)
        row_quads: u32,
        /// ceil(planes / `segment_planes`) * `row_quads`
        invocations: u32,
    }

    /// What `im2col_strips` takes.
    Im2colStripParameters {
        in_height: u32,
        in_width: u32,
        out_height: u32,
        kernel_height: u32,
        stride_height: u32,
        dilation_height: u32,
        pad_top: u32,
        pad_left: u32,
        /// `out_width` / 4
        strips: u32,
        /// outputs that an invocation goes down
        segment_rows: u32,
        /// ceil(`out_height` / `segment_rows`)
        segments: u32,
        /// planes * `kernel_height` * segments * strips
        invocations: u32,
    }

    /// What `winograd_weight` takes.
    WinogradWeightParameters {
        /// output channels * input channels
        kernels: u32,
    }

    /// What `winograd_input` takes.
    WinogradInputParameters {
        in_channels: u32,
        in_height: u32,
        in_width: u32,
        /// of the output, and 2
        padded_height: u32,
        padded_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// of quads, in a band of the plane
        rows: u32,
        /// of quads, above the band
        rows_above: u32,
        /// of quads: ceil(tiles across / `QUAD_WIDTH`)
        columns: u32,
        /// rows of quads that an invocation goes down
        segment_rows: u32,
        /// ceil(rows / `segment_rows`)
        segments: u32,
        /// N * `in_channels` * segments * columns
        invocations: u32,
    }

    /// What `winograd_output` takes.
    WinogradOutputParameters {
        in_channels: u32,
        in_height: u32,
        in_width: u32,
        out_channels: u32,
        out_height: u32,
        out_width: u32,
        pad_top: u32,
        pad_left: u32,
        /// a quad's tiles across are 2^`quad_shift`: 4 or 2
        quad_shift: u32,
        /// of quads: ceil(tiles across / those)
        columns: u32,
        /// of a band: rows of quads * columns
        quads: u32,
        /// of quads, above the band
        rows_above: u32,
        /// N * `out_channels` * quads
        invocations: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }
}
