use crate::gpu::wgsl::parameters::{MOST_AXES, parameters};

parameters! {
    /// What `gemm`, `gemm_few` and `gemv` take. A position is a Real; strides and counts of positions are in the same unit.
    GemmParameters {
        /// per group: the terms of each sum
        in_channels: u32,
        /// per group
        out_channels: u32,
        /// per batch entry
        positions: u32,
        /// of as many positions as a workgroup computes
        position_blocks: u32,
        /// ceil(`out_channels` / CHANNELS)
        channel_blocks: u32,
        groups: u32,
        batch: u32,
        /// elements between the channels of one position
        in_channel_stride: u32,
        /// elements between the positions of one channel
        in_position_stride: u32,
        out_channel_stride: u32,
        out_position_stride: u32,
        /// the terms that this call sums, from a whole round of TERMS on; another has summed those before
        first_term: u32,
        /// not included
        last_term: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What matrix products by tiles take.
    GemmTiledParameters {
        /// of each sum: input channels per group
        terms: u32,
        /// per group
        out_channels: u32,
        /// per batch entry
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
        /// elements
        in_channel_stride: u32,
        in_position_stride: u32,
        /// Reals
        out_channel_stride: u32,
        out_position_stride: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `gemv_rows` takes.
    GemvRowsParameters {
        /// of each sum, in units of Terms
        terms: u32,
        /// per group
        out_channels: u32,
        /// over the whole batch
        positions: u32,
        /// ceil(`out_channels` / CHANNELS)
        channel_blocks: u32,
        /// ceil(positions / POSITIONS)
        position_blocks: u32,
        groups: u32,
        /// groups * `position_blocks` * `channel_blocks`
        workgroups: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }

    /// What `matmul` takes.
    MatMulParameters {
        rows: u32,
        /// the terms of each sum
        inner: u32,
        columns: u32,
        /// ceil(rows / ROWS)
        row_blocks: u32,
        /// ceil(columns / COLUMNS)
        column_blocks: u32,
        /// matrices * `row_blocks` * `column_blocks`
        blocks: u32,
        /// of the terms that this call sums
        first_term: u32,
        /// not included
        last_term: u32,
        /// One for each of at most AXES leading axes, the last first: extent, left stride, right stride (0 where broadcast) in
        /// matrices, unused.
        axes: [[u32; 4]; MOST_AXES],
    }

    /// What `pack_weights` takes.
    PackParameters {
        /// per group
        in_channels: u32,
        /// per group
        out_channels: u32,
        taps: u32,
        /// ceil(`out_channels` / CHANNELS)
        channel_blocks: u32,
        /// rows of a block: taps * `in_channels`, or more, in whole slices
        depth: u32,
        /// of CHANNELS elements in the packed weight
        rows: u32,
        /// elements between the output channels of the weight
        out_channel_stride: u32,
        in_channel_stride: u32,
    }

    /// What `sum_splits` takes.
    SumSplitsParameters {
        /// elements of the output
        outputs: u32,
        splits: u32,
        /// of the output, over all groups
        channels: u32,
        /// elements between the channels of one position
        channel_stride: u32,
        /// the activation's parameters
        activation_first: f32,
        activation_second: f32,
    }
}
