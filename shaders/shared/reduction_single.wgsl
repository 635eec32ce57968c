// What a lane of reduce*.wgsl reads at a time: one number.
#import shared/reals_*

alias Bits = u32;

fn sum_across(x: Real) -> f32 {
    return x;
}

fn largest_across(x: Real) -> f32 {
    return x;
}

fn largest_bits(x: Bits) -> u32 {
    return x;
}
