#import shared/decay

// The complementary error function, relative error below 1.2e-7 before rounding (Chebyshev fit of Numerical Recipes, 6.2).
fn complementary_error(x: f32) -> f32 {
    let magnitude = abs(x);
    let t = 1.0 / (1.0 + 0.5 * magnitude);
    var fit = 0.17087277;
    fit = fit * t - 0.82215223;
    fit = fit * t + 1.48851587;
    fit = fit * t - 1.13520398;
    fit = fit * t + 0.27886807;
    fit = fit * t - 0.18628806;
    fit = fit * t + 0.09678418;
    fit = fit * t + 0.37409196;
    fit = fit * t + 1.00002368;
    fit = fit * t - 1.26551223;
    // exp(-x^2) and exp(fit) apart, so that each argument stays as exact as it is.
    let tail = t * decay(-min(magnitude * magnitude, 200.0)) * exp(fit);
    return select(tail, 2.0 - tail, x < 0.0);
}
