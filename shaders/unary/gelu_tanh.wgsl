#import shared/logistic
#import shared/special

// x * logistic(2 u), which is x / 2 * (1 + tanh(u)), with u = sqrt(2 / pi) * (x + 0.044715 x^3). Beyond 20 the argument
// decides nothing more and could overflow.
fn gelu_tanh_f32(x: f32) -> f32 {
    let near = clamp(x, -20.0, 20.0);
    let y = x * logistic(1.5957691 * near * (1.0 + 0.044715 * near * near));
    // PyTorch multiplies minus infinity by 0.
    return from_bits(select(bitcast<u32>(y), NAN_BITS, bitcast<u32>(x) == 0xff800000u));
}
