// The weights of a 3x3 convolution for Winograd's algorithm: U = G g G^T (`tile_weights` multiplies by G).
//
// An invocation transforms one kernel.
// Header: LANES, PATCH.
//
// weight: [output channels, input channels, 3, 3]
// transformed: [PATCH * PATCH, output channels, input channels]
#import shared/winograd_*

fn run(workgroup: u32, lane: u32) {
    let kernel = workgroup * LANES + lane;
    if (kernel >= params.kernels) {
        return;
    }
    var columns: array<vec3<f32>, PATCH>;
    for (var y = 0u; y < 3u; y++) { // unroll
        let at = kernel * 9u + y * 3u;
        let row = tile_weights(vec3(load_weight(at), load_weight(at + 1u), load_weight(at + 2u)));
        for (var x = 0u; x < PATCH; x++) { // unroll
            columns[x][y] = row[x];
        }
    }
    for (var x = 0u; x < PATCH; x++) { // unroll
        let column = tile_weights(columns[x]);
        for (var y = 0u; y < PATCH; y++) { // unroll
            store_transformed((y * PATCH + x) * params.kernels + kernel, column[y]);
        }
    }
}
