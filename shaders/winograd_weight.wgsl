// The weights of a 3x3 convolution for Winograd's algorithm: U = G g G^T (`tile_weights` multiplies by G).
//
// An invocation transforms one kernel.
// Header: LANES, PATCH.
struct Params {
    kernels: u32,              // output channels * input channels
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;              // [output channels, input channels, 3, 3]
@group(0) @binding(2) var<storage, read_write> transformed: array<f32>;   // [PATCH * PATCH, output channels, input channels]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let kernel = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (kernel >= params.kernels) {
        return;
    }
    var columns: array<vec3<f32>, PATCH>;
    for (var y = 0u; y < 3u; y++) { // unroll
        let at = kernel * 9u + y * 3u;
        let row = tile_weights(vec3(weight[at], weight[at + 1u], weight[at + 2u]));
        for (var x = 0u; x < PATCH; x++) { // unroll
            columns[x][y] = row[x];
        }
    }
    for (var x = 0u; x < PATCH; x++) { // unroll
        let column = tile_weights(columns[x]);
        for (var y = 0u; y < PATCH; y++) { // unroll
            transformed[(y * PATCH + x) * params.kernels + kernel] = column[y];
        }
    }
}
