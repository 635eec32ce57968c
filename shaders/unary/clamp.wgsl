#import shared/reals_*

fn clamp_f32(x: Real, low: f32, high: f32) -> Real {
    return min(max(x, Real(low)), Real(high));
}
