#import shared/reals_*

fn hard_sigmoid_with_f32(x: Real, alpha: f32, beta: f32) -> Real {
    let line = alpha * x + beta;
    // An alpha of 0 makes NaN of infinities.
    return select(clamp(line, Real(0.0), Real(1.0)), line, is_nan(line));
}
