#import shared/error_function

// The Maclaurin series to 1, where its terms sum to twice the result at most, then 1 - erfc(x).
fn erf_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude > 1.0) {
        return select(1.0, -1.0, x < 0.0) * (1.0 - complementary_error(magnitude));
    }
    let square = x * x;
    var series = 1.0 / 76204800.0;      // 1 / (n! (2 n + 1)) for n = 10
    series = series * square - 1.0 / 6894720.0;
    series = series * square + 1.0 / 685440.0;
    series = series * square - 1.0 / 75600.0;
    series = series * square + 1.0 / 9360.0;
    series = series * square - 1.0 / 1320.0;
    series = series * square + 1.0 / 216.0;
    series = series * square - 1.0 / 42.0;
    series = series * square + 1.0 / 10.0;
    series = series * square - 1.0 / 3.0;
    return 1.1283792 * (x + x * square * series);
}
