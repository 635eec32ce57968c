#import shared/logarithm

// A polynomial near 0 (S. Moshier, Cephes), then the logarithm of x + sqrt(x^2 + 1).
fn asinh_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude < 0.5) {
        let square = x * x;
        var series = 2.0122003309e-2;
        series = series * square - 4.2699340972e-2;
        series = series * square + 7.4847586088e-2;
        series = series * square - 1.6666288134e-1;
        return x + x * square * series;
    }
    var y = logarithm(magnitude) + 0.6931472;
    if (magnitude < 1500.0) {
        y = logarithm(magnitude + sqrt(magnitude * magnitude + 1.0));
    }
    return select(y, -y, x < 0.0);
}
