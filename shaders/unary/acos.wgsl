#import shared/arc
#import shared/special

fn acos_f32(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude > 1.0) {
        return from_bits(NAN_BITS);
    }
    if (magnitude <= 0.5) {
        return 1.5707963 - small_arcsine(x);
    }
    let y = 2.0 * small_arcsine(sqrt(0.5 * (1.0 - magnitude)));
    return select(y, 3.1415927 - y, x < 0.0);
}
