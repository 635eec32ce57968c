// The transforms of Winograd's F(2, 3): two outputs from four products.

// B^T d, where B^T has the rows (1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1).
fn tile_pixels(d: array<f32, PATCH>) -> array<f32, PATCH> {
    return array(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
}

// G g, where G has the rows (1, 0, 0), (1/2, 1/2, 1/2), (1/2, -1/2, 1/2), (0, 0, 1). Exact for whole numbers.
fn tile_weights(g: vec3<f32>) -> array<f32, PATCH> {
    let ends = g.x + g.z;
    return array(g.x, 0.5 * (ends + g.y), 0.5 * (ends - g.y), g.z);
}

// A^T m, where A^T has the rows (1, 1, 1, 0), (0, 1, -1, -1).
fn tile_outputs(m: array<vec4<f32>, PATCH>) -> array<vec4<f32>, TILE> {
    return array(m[0] + m[1] + m[2], m[1] - m[2] - m[3]);
}
