#import shared/special

// x / (1 + |x|); PyTorch divides infinity by infinity. From 2^26 the quotient is 1.
fn softsign_f32(x: f32) -> f32 {
    let magnitude = min(abs(x), 67108864.0);
    let y = select(magnitude, -magnitude, x < 0.0) / (1.0 + magnitude);
    return from_bits(select(bitcast<u32>(y), NAN_BITS, (bitcast<u32>(x) & 0x7fffffffu) == INFINITY_BITS));
}
