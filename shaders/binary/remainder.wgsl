#import shared/fmod

// A remainder that is so small that an adapter may take it for 0 is told by its bits.
fn remainder_f32(left: f32, right: f32) -> f32 {
    let rest = bitcast<u32>(fmod_f32(left, right));
    let divisor = bitcast<u32>(right);
    let sign = divisor & ~MAGNITUDE;
    if ((rest & MAGNITUDE) == 0u) {
        return from_bits(sign);
    }
    if ((rest & MAGNITUDE) > INFINITY_BITS || (rest & ~MAGNITUDE) == sign) {
        return from_bits(rest);
    }
    if ((divisor & MAGNITUDE) == INFINITY_BITS) {
        return right;
    }
    return from_bits(rest) + right;
}

fn remainder_i32(left: i32, right: i32) -> i32 {
    let divisor = select(right, 1, right == 0);
    let rest = left % divisor;
    return select(rest, rest + divisor, rest != 0 && (rest < 0) != (divisor < 0));
}
