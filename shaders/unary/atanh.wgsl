#import shared/logarithm

// A polynomial near 0 (S. Moshier, Cephes), then half the logarithm of (1 + x) / (1 - x).
fn atanh_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude < 0.5) {
        let square = x * x;
        var series = 1.81740078349e-1;
        series = series * square + 8.24370301058e-2;
        series = series * square + 1.46691431730e-1;
        series = series * square + 1.99782164500e-1;
        series = series * square + 3.33337300303e-1;
        return x + x * square * series;
    }
    if (magnitude >= 1.0) {
        let end = select(INFINITY_BITS, 0xff800000u, x < 0.0);
        return from_bits(select(end, NAN_BITS, magnitude > 1.0));
    }
    let y = 0.5 * logarithm((1.0 + magnitude) / (1.0 - magnitude));
    return select(y, -y, x < 0.0);
}
