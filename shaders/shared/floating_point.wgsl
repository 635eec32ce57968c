// Numbers as mantissa and exponent. Where WGSL promises nothing (infinities, NaN, divisors and results at the ends of the range)
// results are put together from bits.
#import shared/special

const ONE_BITS = 0x3f800000u;
const MAGNITUDE = 0x7fffffffu;    // all bits but the sign

// The exponent k of a number m 2^k that is neither 0 nor infinite, with m from 1 to 2; x is its magnitude's bits.
fn exponent_of(x: u32) -> i32 {
    let subnormal = x < 0x00800000u;
    let normal = select(x, bitcast<u32>(f32(x)), subnormal);
    return i32(normal >> 23u) - 127 - select(0, 149, subnormal);
}

// The m of the same number.
fn mantissa_of(x: u32) -> f32 {
    let normal = select(x, bitcast<u32>(f32(x)), x < 0x00800000u);
    return bitcast<f32>((normal & 0x007fffffu) | ONE_BITS);
}

// 2^k for k from -126 to 127.
fn power_of_two(k: i32) -> f32 {
    return from_bits(u32(k + 127) << 23u);
}
