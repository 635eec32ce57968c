#import shared/exponential

// The series to 1, then exponentials, of half the argument where the whole one's would overflow.
fn sinh_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude <= 1.0) {
        let square = x * x;
        var series = 1.0 / 39916800.0;
        series = series * square + 1.0 / 362880.0;
        series = series * square + 1.0 / 5040.0;
        series = series * square + 1.0 / 120.0;
        series = series * square + 1.0 / 6.0;
        return x + x * square * series;
    }
    if (magnitude > 89.5) {
        return from_bits(select(0xff800000u, INFINITY_BITS, x > 0.0));
    }
    let root = exp(0.5 * magnitude);
    let y = (0.5 * root) * root - 0.5 * exp(-magnitude);
    return select(y, -y, x < 0.0);
}
