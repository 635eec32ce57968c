#import shared/division

fn reciprocal_f32(x: f32) -> f32 {
    return divide(1.0, x);
}
