// As shared/reals_single.wgsl, for four consecutive numbers at a time.

alias Real = vec4<f32>;
const INFINITY_BITS = 0x7f800000u;

fn is_nan(x: Real) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4(0x7fffffffu)) > vec4(INFINITY_BITS);
}
