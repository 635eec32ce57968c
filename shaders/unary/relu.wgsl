#import shared/reals_*

fn relu_f32(x: Real) -> Real {
    return max(x, Real(0.0));
}

fn relu_i32(x: i32) -> i32 {
    return max(x, 0);
}
