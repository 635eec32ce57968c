#import shared/decay

// The polynomial near 0 (S. Moshier, Cephes, tanhf) and 1 - 2 / (exp(2 |x|) + 1) beyond.
fn hyperbolic_tangent(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude < 0.625) {
        let square = x * x;
        var series = -5.70498872745e-3;
        series = series * square + 2.06390887954e-2;
        series = series * square - 5.37397155531e-2;
        series = series * square + 1.33314422036e-1;
        series = series * square - 3.33332819422e-1;
        return x + x * square * series;
    }
    let e = decay(-2.0 * magnitude);
    return select(1.0, -1.0, x < 0.0) * (1.0 - e) / (1.0 + e);
}
