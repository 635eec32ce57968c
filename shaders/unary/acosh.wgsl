#import shared/logarithm

// A polynomial near 1 (S. Moshier, Cephes), then the logarithm of x + sqrt(x^2 - 1).
fn acosh_f32(x: f32) -> f32 {
    if (x < 1.0) {
        return from_bits(NAN_BITS);
    }
    let beyond = x - 1.0;
    if (beyond < 0.5) {
        var series = 1.7596881071e-3;
        series = series * beyond - 7.5272886713e-3;
        series = series * beyond + 2.6454905019e-2;
        series = series * beyond - 1.1784741703e-1;
        series = series * beyond + 1.4142135263;
        return sqrt(beyond) * series;
    }
    if (x < 1500.0) {
        return logarithm(x + sqrt(beyond * (x + 1.0)));
    }
    return logarithm(x) + 0.6931472;
}
