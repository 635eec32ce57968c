#import shared/decay

fn selu_f32(x: f32, alpha: f32, gamma: f32) -> f32 {
    return gamma * select(x, alpha * decay_minus_one(min(x, 0.0)), x < 0.0);
}
