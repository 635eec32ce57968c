#import shared/special

// By the float's own bits: what is dropped is carried into what stays. Sums of floats would be simpler, but compilers take
// `(x + power) - power` for `x`.
fn round_significand_f32(x: f32, fraction_bits: f32, least_exponent: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let magnitude = bits & 0x7fffffffu;
    let sign = bits & 0x80000000u;
    let kept = u32(fraction_bits);
    let dropped = 23u - kept;
    let near = shifted(magnitude, dropped, kept == 0u) << dropped;
    // Below the least exponent as many steps as the whole significand has.
    let least = u32(i32(least_exponent) + 127);
    let exponent = magnitude >> 23u;
    let significand = (magnitude & 0x7fffffu) | select(0u, 0x800000u, exponent > 0u);
    let steps = shifted(significand, min(dropped + least - min(exponent, least), 25u), kept == 0u);
    let small = bitcast<u32>(f32(steps) * from_bits((max(least, kept + 1u) - kept) << 23u));
    let is_small = least > 1u && exponent < least;
    return from_bits(sign | select(near, small, is_small));
}

// Without so many bits, to the nearest number: of two the even one, or the larger one.
fn shifted(number: u32, bits: u32, to_larger: bool) -> u32 {
    let last = select((number >> bits) & 1u, 1u, to_larger);
    return (number + (1u << (bits - 1u)) - 1u + last) >> bits;
}
