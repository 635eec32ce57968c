#import shared/special

// To the nearest 16-bit float, the even one of two. WGSL's own functions may round to either side.
fn half_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let magnitude = bits & 0x7fffffffu;
    let sign = bits & 0x80000000u;
    // Below 2^-14 all are a multiple of 2^-24, as the sum with 1/2 is.
    let small = bitcast<u32>((from_bits(magnitude) + 0.5) - 0.5);
    let near = (magnitude + 0x0fffu + ((magnitude >> 13u) & 1u)) & 0xffffe000u;
    let finite = select(near, small, magnitude < 0x38800000u);
    return from_bits(sign | select(finite, INFINITY_BITS, magnitude >= 0x477ff000u));
}

fn half_i32(x: i32) -> f32 {
    return half_f32(f32(x));
}
