#import shared/decay

fn elu_f32(x: f32, alpha: f32) -> f32 {
    return select(x, alpha * decay_minus_one(min(x, 0.0)), x < 0.0);
}
