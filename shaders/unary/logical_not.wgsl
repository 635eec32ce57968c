fn logical_not_i32(x: i32) -> i32 {
    return 1 - x;
}
