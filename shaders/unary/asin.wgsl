#import shared/arc
#import shared/special

fn asin_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude > 1.0) {
        return from_bits(NAN_BITS);
    }
    if (magnitude <= 0.5) {
        return small_arcsine(x);
    }
    let y = 1.5707963 - 2.0 * small_arcsine(sqrt(0.5 * (1.0 - magnitude)));
    return select(y, -y, x < 0.0);
}
