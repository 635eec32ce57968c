#import shared/special

// By the float's own bits: what is dropped is carried into what stays.
fn round_significand_f32(x: f32, fraction_bits: f32, least_exponent: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let magnitude = bits & 0x7fffffffu;
    let sign = bits & 0x80000000u;
    let dropped = 23u - u32(fraction_bits);
    let last = select((magnitude >> dropped) & 1u, 1u, fraction_bits == 0.0);
    let near = ((magnitude + (1u << (dropped - 1u)) - 1u + last) >> dropped) << dropped;
    let least = u32(i32(least_exponent) + 127);
    // Sums with this power of two are multiples of the least step.
    let power = from_bits((least + dropped) << 23u);
    let small = bitcast<u32>((from_bits(magnitude) + power) - power);
    let is_small = least > 1u && magnitude < (least << 23u);
    return from_bits(sign | select(near, small, is_small));
}
