#import shared/reals_*

fn float_f32(x: Real) -> Real {
    return x;
}

fn float_i32(x: i32) -> f32 {
    return f32(x);
}
