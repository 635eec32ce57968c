#import shared/order

fn thresholded_relu_f32(x: f32, alpha: f32) -> f32 {
    return select(0.0, x, precedes(alpha, x));
}
