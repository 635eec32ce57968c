#import shared/special

// log(x) with a relative error even near 1, where the builtin's is absolute: x = m 2^k with m from sqrt(1/2) to sqrt(2),
// log(x) = k log(2) + 2 artanh((m - 1) / (m + 1)). Subnormal numbers are normalised as integers, before anything can flush
// them. Error: k log(2) is off by 1.5 ULP and at most twice the result, the series by 9 ULP of at most the result: 14 ULP.
fn logarithm(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var normal = bits;
    var k = 0;
    if (bits < 0x00800000u) {
        normal = bitcast<u32>(f32(bits));   // x 2^149, exactly
        k = -149;
    }
    // The exponent of the power of two that leaves m from sqrt(1/2), whose bits are 0x3f3504f3.
    let steps = (i32(normal) - 0x3f3504f3) >> 23u;
    k += steps;
    let m = bitcast<f32>(u32(i32(normal) - steps * 0x00800000));
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    var series = 1.0 / 11.0;
    series = 1.0 / 9.0 + square * series;
    series = 1.0 / 7.0 + square * series;
    series = 1.0 / 5.0 + square * series;
    series = 1.0 / 3.0 + square * series;
    let result = f32(k) * 0.69314718 + 2.0 * z * (1.0 + square * series);
    var special = bitcast<u32>(result);
    special = select(special, bits, bits == INFINITY_BITS);
    special = select(special, NAN_BITS, bits > 0x80000000u);
    special = select(special, 0xff800000u, (bits & 0x7fffffffu) == 0u);
    return from_bits(special);
}
