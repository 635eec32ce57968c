// As gemm_tiled.wgsl, where the positions of a channel lie together and are whole vectors: four are loaded at once.
//
// input: [batch, groups, in_channels, positions]
// packed: weights, see shared/tiles.wgsl
// output: [batch, groups, out_channels, positions], and bias and residual as shared/epilogue.wgsl says
#import shared/tile_rows
#import shared/tiles

// What a lane loads: one term at four consecutive positions.
struct Source {
    term: u32,
    at: u32,
}

fn first_source(group: u32, first_position: u32, first_term: u32, lane: u32) -> Source {
    let term = first_term + lane_term(lane);
    // Positions past the end compute along with the last four and are not stored.
    let position = min(first_position + lane_quad(lane) * 4u, params.all_positions - 4u);
    let batch = position / params.positions;
    let row = (batch * params.groups + group) * params.terms + term;
    return Source(term, (row * params.positions + position % params.positions) / 4u);
}

// The four values, and on to the next slice. Terms past the last are zeros, since their weights are and 0 times NaN is not 0.
fn load(source: ptr<function, Source>) -> vec4<f32> {
    var values = vec4(0.0);
    if ((*source).term < params.terms) {
        values = load_input((*source).at);
    }
    (*source).term += SLICE;
    (*source).at += SLICE * (params.positions / 4u);
    return values;
}
