#import shared/special

// The square root; 0, infinity and NaN by bits, since WGSL takes it to be 1 / inverseSqrt(x).
fn sqrt_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var special = bitcast<u32>(sqrt(max(x, 0.0)));
    special = select(special, bits, bits == INFINITY_BITS || (bits & 0x7fffffffu) == 0u);
    return from_bits(select(special, NAN_BITS, bits > 0x80000000u));
}
