#import shared/order

fn ne_f32(left: f32, right: f32) -> i32 {
    return i32(is_nan(left) || is_nan(right) || precedes(left, right) || precedes(right, left));
}

fn ne_i32(left: i32, right: i32) -> i32 {
    return i32(left != right);
}
