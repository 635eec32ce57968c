fn bitwise_left_shift_i32(left: i32, right: i32) -> i32 {
    return select(0, left << u32(right & 31), right >= 0 && right < 32);
}
