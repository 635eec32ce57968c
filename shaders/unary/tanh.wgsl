#import shared/hyperbolic_tangent

fn tanh_f32(x: f32) -> f32 {
    return hyperbolic_tangent(x);
}
