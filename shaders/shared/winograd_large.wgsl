// The transforms of Winograd's F(4, 3): four outputs from six products, by polynomials at 0, 1/2, -1/2, 2, -2 and infinity.
// The magnitudes of what is summed come to less than half of those of the usual points 0, 1, -1, 2, -2 and infinity.

// B^T d, where B^T has the rows (1, 0, -17/4, 0, 1, 0), (0, -2, -4, 1/2, 1, 0), (0, 2, -4, -1/2, 1, 0),
// (0, -1/2, -1/4, 2, 1, 0), (0, 1/2, -1/4, -2, 1, 0), (0, 1, 0, -17/4, 0, 1).
fn tile_pixels(d: array<f32, PATCH>) -> array<f32, PATCH> {
    let half_even = d[4] - 4.0 * d[2];
    let half_odd = 0.5 * d[3] - 2.0 * d[1];
    let two_even = d[4] - 0.25 * d[2];
    let two_odd = 2.0 * d[3] - 0.5 * d[1];
    return array(
        d[0] + (d[4] - 4.25 * d[2]),
        half_even + half_odd,
        half_even - half_odd,
        two_even + two_odd,
        two_even - two_odd,
        d[5] + (d[1] - 4.25 * d[3]),
    );
}

// G g, where G has the rows (1, 0, 0), -8/15 (1, 1/2, 1/4), -8/15 (1, -1/2, 1/4), 1/30 (1, 2, 4), 1/30 (1, -2, 4), (0, 0, 1).
fn tile_weights(g: vec3<f32>) -> array<f32, PATCH> {
    let half_even = g.x + 0.25 * g.z;
    let half_odd = 0.5 * g.y;
    let two_even = g.x + 4.0 * g.z;
    let two_odd = 2.0 * g.y;
    return array(
        g.x,
        (-8.0 / 15.0) * (half_even + half_odd),
        (-8.0 / 15.0) * (half_even - half_odd),
        (1.0 / 30.0) * (two_even + two_odd),
        (1.0 / 30.0) * (two_even - two_odd),
        g.z,
    );
}

// A^T m, where A^T has the rows (1, 1, 1, 1, 1, 0), (0, 1/2, -1/2, 2, -2, 0), (0, 1/4, 1/4, 4, 4, 0), (0, 1/8, -1/8, 8, -8, 1).
fn tile_outputs(m: array<vec4<f32>, PATCH>) -> array<vec4<f32>, TILE> {
    let half_even = m[1] + m[2];
    let half_odd = m[1] - m[2];
    let two_even = m[3] + m[4];
    let two_odd = m[3] - m[4];
    return array(
        m[0] + half_even + two_even,
        0.5 * half_odd + 2.0 * two_odd,
        0.25 * half_even + 4.0 * two_even,
        (0.125 * half_odd + 8.0 * two_odd) + m[5],
    );
}
