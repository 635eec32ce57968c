#import shared/exponential
#import shared/floating_point
#import shared/logarithm

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
fn pow_f32(left: f32, right: f32) -> f32 {
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
