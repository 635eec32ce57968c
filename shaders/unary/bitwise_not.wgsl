fn bitwise_not_i32(x: i32) -> i32 {
    return ~x;
}
