// Matrix product of packed weights with a strided input by tiles (shared/tiles.wgsl), a position at a time.
//
// input: [batch, groups, in_channels x positions]
// packed: weights, see shared/tiles.wgsl
// output: [batch, groups, out_channels x positions], and bias and residual as shared/epilogue.wgsl says
#import shared/tile_*
#import shared/tiles

// What a lane loads: one term at four consecutive positions.
struct Source {
    term: u32,
    at: vec4<u32>,
}

fn first_source(group: u32, first_position: u32, first_term: u32, lane: u32) -> Source {
    var source: Source;
    source.term = first_term + lane_term(lane);
    for (var i = 0u; i < 4u; i++) { // unroll
        // Positions past the end compute along with the last one and are not stored.
        let position = min(first_position + lane_quad(lane) * 4u + i, params.all_positions - 1u);
        let batch = position / params.positions;
        let plane = (batch * params.groups + group) * params.terms * params.in_channel_stride;
        source.at[i] = plane + position % params.positions * params.in_position_stride + source.term * params.in_channel_stride;
    }
    return source;
}

// The four values, and on to the next slice. Terms past the last are zeros, since their weights are and 0 times NaN is not 0.
fn load(source: ptr<function, Source>) -> vec4<f32> {
    var values = vec4(0.0);
    if ((*source).term < params.terms) {
        for (var i = 0u; i < 4u; i++) { // unroll
            values[i] = load_input((*source).at[i]);
        }
    }
    (*source).term += SLICE;
    (*source).at += vec4(SLICE * params.in_channel_stride);
    return values;
}
