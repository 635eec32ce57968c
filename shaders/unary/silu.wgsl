#import shared/logistic

fn silu_f32(x: f32) -> f32 {
    return x * logistic(x);
}
