fn bitwise_or_i32(left: i32, right: i32) -> i32 {
    return left | right;
}
