#import shared/reals_*

// Polynomial near 0, which pi / 4 and pi / 2 bring every number to (S. Moshier, Cephes).
fn atan_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    var offset = 0.0;
    var near = magnitude;
    if (bitcast<u32>(magnitude) >= INFINITY_BITS || magnitude > 1e20) {
        near = 0.0;
        offset = 1.5707964;
    } else if (magnitude > 2.4142135) {
        near = -1.0 / magnitude;
        offset = 1.5707964;
    } else if (magnitude > 0.41421357) {
        near = (magnitude - 1.0) / (magnitude + 1.0);
        offset = 0.7853982;
    }
    let square = near * near;
    var series = 8.05374449538e-2;
    series = series * square - 1.38776856032e-1;
    series = series * square + 1.99777106478e-1;
    series = series * square - 3.33329491539e-1;
    let y = offset + (near + near * square * series);
    return select(y, -y, x < 0.0);
}
