#import shared/logarithm

fn log_f32(x: f32) -> f32 {
    return logarithm(x);
}
