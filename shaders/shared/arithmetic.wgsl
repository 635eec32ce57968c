// Arithmetic of two numbers. Where WGSL promises nothing (infinities, NaN, divisors and results at the ends of the range)
// the result is put together from bits. Header: OPERATION.
#import shared/exponential

const ADD = 0u;
const MUL = 1u;
const SUB = 2u;
const DIV = 3u;
const POW = 4u;
const MINIMUM = 5u;
const MAXIMUM = 6u;

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

// The magnitude of x to the power of y, for finite x and y, neither of them 0. The product y log(x) = t is off by 16 ULP, so
// that the result is off by 16 |t| beside the exponential's 3 + 2 |t|. Whole exponents to 16 are products instead (a
// product of n factors is off by n - 1, and n times a reciprocal's 2.5), and 1/2 is the square root (4.5). Where t is
// less than 86, no part of these overflows or is subnormal.
fn power_of_magnitude(x: f32, y: f32) -> f32 {
    let t = clamp(y * logarithm(x), -200.0, 100.0);
    let n = u32(min(abs(y), 17.0));
    if (abs(t) < 86.0) {
        if (n <= 16u && f32(n) == abs(y)) {
            var base = x;
            if (y < 0.0) {
                base = 1.0 / x;
            }
            let squared = base * base;
            let fourth = squared * squared;
            let eighth = fourth * fourth;
            var product = select(1.0, base, (n & 1u) != 0u);
            product *= select(1.0, squared, (n & 2u) != 0u);
            product *= select(1.0, fourth, (n & 4u) != 0u);
            product *= select(1.0, eighth, (n & 24u) != 0u);
            return product * select(1.0, eighth, (n & 16u) != 0u);
        }
        if (y == 0.5) {
            if (bitcast<u32>(x) < 0x00800000u) {
                // The root may take a subnormal number for 0; it is n 2^-149 = 2n 2^-150, all of them exact.
                return sqrt(2.0 * f32(bitcast<u32>(x))) * power_of_two(-75);
            }
            return sqrt(x);
        }
    }
    return exponential(t);
}

// left to the power of right, as C's powf.
fn power(left: f32, right: f32) -> f32 {
    let a = bitcast<u32>(left) & MAGNITUDE;
    let b = bitcast<u32>(right) & MAGNITUDE;
    if (b == 0u || bitcast<u32>(left) == ONE_BITS) {
        return 1.0;
    }
    if (a > INFINITY_BITS || b > INFINITY_BITS) {
        return from_bits(NAN_BITS);
    }
    let left_negative = bitcast<u32>(left) > MAGNITUDE;
    let right_negative = bitcast<u32>(right) > MAGNITUDE;
    // All numbers from 2^23 are whole, and all from 2^24 even. Compared as bits: a subnormal exponent is not 0, though some
    // adapters compare it as if it were.
    let low = u32(min(abs(right), 16777216.0));
    let whole = b >= 0x4b000000u || bitcast<u32>(f32(low)) == b;
    let sign = select(0u, ~MAGNITUDE, left_negative && whole && (low & 1u) != 0u);
    if (b == INFINITY_BITS) {
        let grows = (a > ONE_BITS) != right_negative;
        return from_bits(select(select(0u, INFINITY_BITS, grows), ONE_BITS, a == ONE_BITS));
    }
    if (a == 0u || a == INFINITY_BITS) {
        return from_bits(sign | select(0u, INFINITY_BITS, (a == 0u) == right_negative));
    }
    if (left_negative && !whole) {
        return from_bits(NAN_BITS);
    }
    return from_bits(sign | bitcast<u32>(power_of_magnitude(from_bits(a), right)));
}

// A number's bits as a whole number in the order of the reals; -0 comes before 0.
fn ordered(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | ~MAGNITUDE, ~bits, bits > MAGNITUDE);
}

// The smaller or the larger number; NaN before either.
fn extreme(left: f32, right: f32, larger: bool) -> f32 {
    let take_left = is_nan(left) || (!is_nan(right) && (ordered(left) > ordered(right)) == larger);
    return from_bits(select(bitcast<u32>(right), bitcast<u32>(left), take_left));
}

fn combine(left: f32, right: f32) -> f32 {
    if (OPERATION == ADD) {
        return left + right;
    } else if (OPERATION == MUL) {
        return left * right;
    } else if (OPERATION == SUB) {
        return left - right;
    } else if (OPERATION == DIV) {
        return divide(left, right);
    } else if (OPERATION == POW) {
        return power(left, right);
    }
    return extreme(left, right, OPERATION == MAXIMUM);
}
