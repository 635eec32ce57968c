#import shared/floating_point

// left / right: 2.5 ULP. WGSL says so for divisors from 2^-126 to 2^126 only, and may flush subnormal numbers; beyond, the
// mantissas are divided and the exponents subtracted.
fn divide(left: f32, right: f32) -> f32 {
    let a = bitcast<u32>(left) & MAGNITUDE;
    let b = bitcast<u32>(right) & MAGNITUDE;
    let sign = (bitcast<u32>(left) ^ bitcast<u32>(right)) & ~MAGNITUDE;
    if (a > INFINITY_BITS || b > INFINITY_BITS) {
        return from_bits(NAN_BITS);
    }
    if (a == INFINITY_BITS || b == 0u) {
        return from_bits(select(sign | INFINITY_BITS, NAN_BITS, b == INFINITY_BITS || a == 0u));
    }
    if (a == 0u || b == INFINITY_BITS) {
        return from_bits(sign);
    }
    let k = exponent_of(a) - exponent_of(b);
    if (a >= 0x00800000u && b >= 0x00800000u && b <= 0x7e800000u && abs(k) < 125) {
        return left / right;
    }
    // From 1/2 to less than 2, whatever the rounding.
    let quotient = min(mantissa_of(a) / mantissa_of(b), 1.9999999);
    let total = k + exponent_of(bitcast<u32>(quotient));
    if (total > 127) {
        return from_bits(sign | INFINITY_BITS);
    }
    if (total < -150) {
        return from_bits(sign);
    }
    // Two factors, since k may be beyond the exponents of f32.
    let scaled = quotient * power_of_two(k / 2) * power_of_two(k - k / 2);
    return from_bits(sign | bitcast<u32>(scaled));
}
