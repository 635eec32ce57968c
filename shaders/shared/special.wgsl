// Special values: chosen as bits, which no compiler may take to be impossible.
#import shared/reals_*

const NAN_BITS = 0x7fc00000u;

// A number from its bits: a function, since WGSL refuses the constants that are infinite or NaN.
fn from_bits(bits: u32) -> f32 {
    return bitcast<f32>(bits);
}
