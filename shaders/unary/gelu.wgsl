#import shared/error_function
#import shared/reals_*

fn gelu_f32(x: f32) -> f32 {
    let y = 0.5 * x * complementary_error(-0.70710678 * x);
    // PyTorch gives NaN for both infinities.
    let bits = bitcast<u32>(x);
    return select(y, bitcast<f32>(bits | 1u), (bits & 0x7fffffffu) == INFINITY_BITS);
}
