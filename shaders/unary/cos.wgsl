#import shared/angle

fn cos_f32(x: f32) -> f32 {
    return sine(abs(x), 1u);
}
