// As shared/reduction_single.wgsl, for four consecutive numbers at a time.
#import shared/reals_*

alias Bits = vec4<u32>;

fn sum_across(x: Real) -> f32 {
    return (x.x + x.y) + (x.z + x.w);
}

fn largest_across(x: Real) -> f32 {
    return max(max(x.x, x.y), max(x.z, x.w));
}

fn largest_bits(x: Bits) -> u32 {
    return max(max(x.x, x.y), max(x.z, x.w));
}
