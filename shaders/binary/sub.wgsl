fn sub_f32(left: f32, right: f32) -> f32 {
    return left - right;
}

fn sub_i32(left: i32, right: i32) -> i32 {
    return left - right;
}
