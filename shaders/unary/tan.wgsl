#import shared/angle

fn tan_f32(x: f32) -> f32 {
    let tangent = sine(abs(x), 0u) / sine(abs(x), 1u);
    return select(tangent, -tangent, x < 0.0);
}
