#import shared/decay

fn celu_f32(x: f32, alpha: f32) -> f32 {
    return select(x, alpha * decay_minus_one(min(1.0 / alpha * x, 0.0)), x < 0.0);
}
