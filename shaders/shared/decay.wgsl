// e^x for negative numbers, in ways that neither cancel nor overflow. Exponents are kept above -200, where exp is 0 in f32 and an
// infinite argument cannot surprise a compiler.

// exp(x) for x <= 0.
fn decay(x: f32) -> f32 {
    return exp(max(x, -200.0));
}

// exp(x) - 1 for x <= 0: the series near 0, where the difference would cancel.
fn decay_minus_one(x: f32) -> f32 {
    if (x < -0.5) {
        return decay(x) - 1.0;
    }
    var series = 1.0 + x / 8.0;
    series = 1.0 + x / 7.0 * series;
    series = 1.0 + x / 6.0 * series;
    series = 1.0 + x / 5.0 * series;
    series = 1.0 + x / 4.0 * series;
    series = 1.0 + x / 3.0 * series;
    series = 1.0 + x / 2.0 * series;
    return x * series;
}
