#import shared/reals_*

fn leaky_relu_f32(x: Real, negative_slope: f32) -> Real {
    return select(x, negative_slope * x, x < Real(0.0));
}
