#import shared/order

fn maximum_f32(left: f32, right: f32) -> f32 {
    return extreme(left, right, true);
}

fn maximum_i32(left: i32, right: i32) -> i32 {
    return max(left, right);
}
