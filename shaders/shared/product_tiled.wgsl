// The parameters of matrix products by tiles.
struct Params {
    terms: u32,                // of each sum: input channels per group
    out_channels: u32,         // per group
    positions: u32,            // per batch entry
    all_positions: u32,        // batch * positions
    channel_tiles: u32,        // ceil(out_channels / TILE_CHANNELS)
    position_tiles: u32,       // ceil(all_positions / TILE_POSITIONS)
    groups: u32,
    workgroups: u32,           // splits * groups * position_tiles * channel_tiles
    slices: u32,               // ceil(terms / SLICE)
    split_slices: u32,         // of a workgroup
    outputs: u32,              // Reals of an output, by which the parts of a split lie apart
    in_channel_stride: u32,    // elements
    in_position_stride: u32,
    out_channel_stride: u32,   // Reals
    out_position_stride: u32,
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
