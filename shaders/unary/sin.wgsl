#import shared/angle

fn sin_f32(x: f32) -> f32 {
    let positive = sine(abs(x), 0u);
    return select(positive, -positive, x < 0.0);
}
