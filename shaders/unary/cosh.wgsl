#import shared/exponential

// Of half the argument, where the whole one's exponential would overflow.
fn cosh_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude > 89.5) {
        return from_bits(INFINITY_BITS);
    }
    let root = exp(0.5 * magnitude);
    return (0.5 * root) * root + 0.5 * exp(-magnitude);
}
