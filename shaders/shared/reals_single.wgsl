// Numbers one at a time, and NaN by its bits: WGSL lets a compiler assume that there is none, and `x != x` is false on some
// adapters.

alias Real = f32;
const INFINITY_BITS = 0x7f800000u;

fn is_nan(x: Real) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > INFINITY_BITS;
}
