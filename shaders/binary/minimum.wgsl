#import shared/order

fn minimum_f32(left: f32, right: f32) -> f32 {
    return extreme(left, right, false);
}

fn minimum_i32(left: i32, right: i32) -> i32 {
    return min(left, right);
}
