// Sines of any angle. The angle is reduced with as many bits of 2 / pi as it takes (Payne and Hanek), so that what is left is as
// exact as a number can be, however large the angle is and however near to a multiple of pi / 2.
#import shared/special

// The upper half of a product.
fn upper_product(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let left = (a >> 16u) * (b & 0xffffu);
    let right = (a & 0xffffu) * (b >> 16u);
    let middle = (low >> 16u) + (left & 0xffffu) + (right & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u) + (middle >> 16u);
}

// 32 bits of two words, from a bit counted from the highest of the first.
fn bits_from(first: u32, second: u32, bit: u32) -> u32 {
    return select((first << bit) | (second >> (32u - max(bit, 1u))), first, bit == 0u);
}

struct Angle {
    quarter: u32,   // whole quarters of a turn, by 4
    rest: f32,      // from -pi / 4 to pi / 4
}

// A positive finite angle.
fn reduced(x: f32) -> Angle {
    let bits = bitcast<u32>(x);
    // Below pi / 4.
    if (bits < 0x3f490fdbu) {
        return Angle(0u, x);
    }
    // x is a whole number times 2^(exponent - 150). Of 2 / pi times that power the bits from 2 down count: others make whole turns.
    var words = array<u32, 8>(
        0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu,
    );
    let first = (bits >> 23u) - 120u;
    let word = first >> 5u;
    let bit = first & 31u;
    let mantissa = (bits & 0x007fffffu) | 0x00800000u;
    let high = bits_from(words[word], words[word + 1u], bit);
    let middle = bits_from(words[word + 1u], words[word + 2u], bit);
    let low = bits_from(words[word + 2u], words[word + 3u], bit);
    let carried = upper_product(mantissa, low);
    let lower = mantissa * middle + carried;
    let upper = mantissa * high + upper_product(mantissa, middle) + u32(lower < carried);
    // Two bits of quarters, then 62 of a fraction, to the nearest quarter.
    var top = (upper << 2u) | (lower >> 30u);
    var bottom = lower << 2u;
    let above = top >> 31u;
    if (above == 1u) {
        top = ~top + u32(bottom == 0u);
        bottom = ~bottom + 1u;
    }
    // A number times 2^-(32 + zeros).
    var zeros = countLeadingZeros(top);
    var leading = bits_from(top, bottom, zeros & 31u);
    if (zeros == 32u) {
        zeros += countLeadingZeros(bottom);
        leading = bottom << (zeros & 31u);
    }
    let rest = f32(leading) * from_bits((95u - zeros) << 23u) * 1.5707964;
    return Angle((upper >> 30u) + above, select(rest, -rest, above == 1u));
}

// sin(x + quarters * pi / 2) for a positive x: Taylor's series, whose next term is below a rounding.
fn sine(x: f32, quarters: u32) -> f32 {
    if (bitcast<u32>(x) >= INFINITY_BITS) {
        return from_bits(NAN_BITS);
    }
    let angle = reduced(x);
    let quarter = angle.quarter + quarters;
    let square = angle.rest * angle.rest;
    var y = 0.0;
    if ((quarter & 1u) == 0u) {
        var series = 1.0 / 362880.0;
        series = series * square - 1.0 / 5040.0;
        series = series * square + 1.0 / 120.0;
        series = series * square - 1.0 / 6.0;
        y = angle.rest + angle.rest * square * series;
    } else {
        var series = -1.0 / 3628800.0;
        series = series * square + 1.0 / 40320.0;
        series = series * square - 1.0 / 720.0;
        series = series * square + 1.0 / 24.0;
        series = series * square - 0.5;
        y = 1.0 + square * series;
    }
    return select(y, -y, (quarter & 2u) != 0u);
}
