// Arc functions near 0, where polynomials do (S. Moshier, Cephes).

// asin(x) for magnitudes up to 1/2.
fn small_arcsine(x: f32) -> f32 {
    let square = x * x;
    var series = 4.2163199048e-2;
    series = series * square + 2.4181311049e-2;
    series = series * square + 4.5470025998e-2;
    series = series * square + 7.4953002686e-2;
    series = series * square + 1.6666752422e-1;
    return x + x * square * series;
}
