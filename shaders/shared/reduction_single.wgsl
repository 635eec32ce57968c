// What a lane of reduce*.wgsl reads at a time: one number. Needs shared/reals_single.wgsl.
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
