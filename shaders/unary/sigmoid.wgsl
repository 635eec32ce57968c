#import shared/logistic

fn sigmoid_f32(x: f32) -> f32 {
    return logistic(x);
}
