// Convolution by tiles (shared/tiles.wgsl), as an implicit matrix product: the terms of a sum are the taps, and for each tap
// the input channels. The padding's index map is computed where a lane goes on to another tap.
// Header: PADDING_MODE, and those of shared/tiles.wgsl.
//
// input: [N, groups * in_channels, H, W]
// packed: weights, see shared/tiles.wgsl
// output: [N, output channels, OH, OW], and bias and residual as shared/epilogue.wgsl says
#import shared/padding
#import shared/tile_rows
#import shared/tiles

// What a lane loads: one term at four consecutive positions.
struct Source {
    term: u32,
    in_channel: u32,
    tap_y: u32,
    tap_x: u32,
    plane: vec4<u32>,          // of the batch entry and group
    y: vec4<i32>,              // where the window begins
    x: vec4<i32>,
    at: vec4<u32>,             // of the tap in its first plane
    inside: vec4<bool>,
}

fn first_source(group: u32, first_position: u32, first_term: u32, lane: u32) -> Source {
    var source: Source;
    source.term = first_term + lane_term(lane);
    let tap = source.term / params.in_channels;
    source.in_channel = source.term % params.in_channels;
    source.tap_y = tap / params.kernel_width;
    source.tap_x = tap % params.kernel_width;
    for (var i = 0u; i < 4u; i++) { // unroll
        // Positions past the end compute along with the last one and are not stored.
        let position = min(first_position + lane_quad(lane) * 4u + i, params.all_positions - 1u);
        let batch = position / params.positions;
        let pixel = position % params.positions;
        source.plane[i] = (batch * params.groups + group) * params.in_channels * params.in_height * params.in_width;
        source.y[i] = i32(pixel / params.out_width * params.stride_height) - i32(params.pad_top);
        source.x[i] = i32(pixel % params.out_width * params.stride_width) - i32(params.pad_left);
    }
    find_tap(&source);
    return source;
}

fn find_tap(source: ptr<function, Source>) {
    for (var i = 0u; i < 4u; i++) { // unroll
        let y = source_index((*source).y[i] + i32((*source).tap_y * params.dilation_height), i32(params.in_height));
        let x = source_index((*source).x[i] + i32((*source).tap_x * params.dilation_width), i32(params.in_width));
        (*source).inside[i] = y >= 0 && x >= 0;
        (*source).at[i] = (*source).plane[i] + select(0u, u32(y) * params.in_width + u32(x), y >= 0 && x >= 0);
    }
}

// The four values, and on to the next slice. Terms past the last are zeros, since their weights are and 0 times NaN is not 0.
fn load(source: ptr<function, Source>) -> vec4<f32> {
    var values = vec4(0.0);
    if ((*source).term < params.terms) {
        let plane = (*source).in_channel * params.in_height * params.in_width;
        for (var i = 0u; i < 4u; i++) { // unroll
            values[i] = load_input((*source).at[i] + plane);
        }
        if (PADDING_MODE == ZEROS) {
            values = select(vec4(0.0), values, (*source).inside);
        }
    }
    (*source).term += SLICE;
    (*source).in_channel += SLICE;
    if ((*source).in_channel >= params.in_channels) {
        let taps = (*source).in_channel / params.in_channels;
        (*source).in_channel -= taps * params.in_channels;
        let tap_x = (*source).tap_x + taps;
        (*source).tap_y += tap_x / params.kernel_width;
        (*source).tap_x = tap_x % params.kernel_width;
        find_tap(source);
    }
    return values;
}
