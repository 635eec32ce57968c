#import shared/decay

// 1 / (1 + exp(-x)).
fn logistic(x: f32) -> f32 {
    let e = decay(-abs(x));
    return select(1.0, e, x < 0.0) / (1.0 + e);
}
