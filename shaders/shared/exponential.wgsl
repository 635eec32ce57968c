#import shared/special

// exp(x): infinity above log of the largest f32, 0 far below. Relative error (3 + 2 |x|) ULP, the builtin's.
fn exponential(x: f32) -> f32 {
    let e = exp(clamp(x, -200.0, 88.722831));
    return from_bits(select(bitcast<u32>(e), INFINITY_BITS, x > 88.722831));
}
