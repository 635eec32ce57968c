// The weights of a 3x3 convolution for Winograd's F(2x2, 3x3): U = G g G^T, where G has the rows (1, 0, 0),
// (1/2, 1/2, 1/2), (1/2, -1/2, 1/2), (0, 0, 1). Exact for whole numbers: U has quarters.
//
// An invocation transforms one kernel.
// Header: LANES.
struct Params {
    kernels: u32,              // output channels * input channels
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;              // [output channels, input channels, 3, 3]
@group(0) @binding(2) var<storage, read_write> transformed: array<f32>;   // [16, output channels, input channels]

fn transform(g: vec3<f32>) -> vec4<f32> {
    let ends = g.x + g.z;
    return vec4(g.x, 0.5 * (ends + g.y), 0.5 * (ends - g.y), g.z);
}

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
    var rows: array<vec4<f32>, 3>;
    for (var y = 0u; y < 3u; y++) { // unroll
        let at = kernel * 9u + y * 3u;
        rows[y] = transform(vec3(weight[at], weight[at + 1u], weight[at + 2u]));
    }
    for (var x = 0u; x < 4u; x++) { // unroll
        let column = transform(vec3(rows[0][x], rows[1][x], rows[2][x]));
        for (var y = 0u; y < 4u; y++) { // unroll
            transformed[(y * 4u + x) * params.kernels + kernel] = column[y];
        }
    }
}
