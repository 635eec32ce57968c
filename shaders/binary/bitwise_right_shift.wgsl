fn bitwise_right_shift_i32(left: i32, right: i32) -> i32 {
    return left >> u32(select(31, right, right >= 0 && right < 32));
}
