#import shared/division

fn div_f32(left: f32, right: f32) -> f32 {
    return divide(left, right);
}

// Towards 0; 0 where the divisor is 0.
fn div_i32(left: i32, right: i32) -> i32 {
    return select(left / select(right, 1, right == 0), 0, right == 0);
}
