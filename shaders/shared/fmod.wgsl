// The remainder of a division of floats, exactly.
#import shared/floating_point

// Both are whole numbers of one unit: the rest is carried down from the larger exponent by eight bits at a time.
fn fmod_f32(left: f32, right: f32) -> f32 {
    let a = bitcast<u32>(left) & MAGNITUDE;
    let b = bitcast<u32>(right) & MAGNITUDE;
    if (a >= INFINITY_BITS || b > INFINITY_BITS || b == 0u) {
        return from_bits(NAN_BITS);
    }
    if (b == INFINITY_BITS || a < b) {
        return left;
    }
    let divisor = u32(mantissa_of(b) * 8388608.0);
    let unit = exponent_of(b);
    let steps = exponent_of(a) - unit;
    var rest = u32(mantissa_of(a) * 8388608.0) % divisor;
    for (var step = 0u; step < 35u; step++) { // unroll
        rest = (rest << u32(clamp(steps - 8 * i32(step), 0, 8))) % divisor;
    }
    // The rest is a multiple of 2^-149 however small its unit.
    let bits = (rest << u32(max(unit + 126, 0))) >> u32(max(-unit - 126, 0));
    let scaled = bitcast<u32>(f32(rest) * power_of_two((unit - 23) / 2) * power_of_two(unit - 23 - (unit - 23) / 2));
    let is_small = countLeadingZeros(rest) > u32(clamp(134 + unit, 0, 31));
    return from_bits((bitcast<u32>(left) & ~MAGNITUDE) | select(scaled, bits, is_small));
}
