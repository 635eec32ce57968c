fn remainder_i32(left: i32, right: i32) -> i32 {
    let divisor = select(right, 1, right == 0);
    let rest = left % divisor;
    return select(rest, rest + divisor, rest != 0 && (rest < 0) != (divisor < 0));
}
