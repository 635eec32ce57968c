use crate::gpu::wgsl::parameters::{MOST_AXES, parameters};

parameters! {
    /// What `attention_rows` and `attention_tiled` take.
    AttentionParameters {
        /// heads of all of the batch
        matrices: u32,
        queries: u32,
        keys: u32,
        /// elements of a query and of a key
        size: u32,
        /// elements of a value
        value_size: u32,
        /// of a matrix: ceil(queries / those of a workgroup)
        query_blocks: u32,
        scale: f32,
        /// elements between the mask's rows, 0 where it has one for all
        mask_row_stride: u32,
        mask_key_stride: u32,
        unused: [u32; 3],
        /// One for each of at most AXES leading axes, the last first: extent, the mask's stride (0 where broadcast), unused, unused.
        axes: [[u32; 4]; MOST_AXES],
    }
}
