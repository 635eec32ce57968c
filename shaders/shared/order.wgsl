// Which of two numbers is larger, by their bits: adapters may take subnormal numbers for 0.
#import shared/special

// A number's bits as a whole number in the order of the reals; -0 comes before 0.
fn ordered(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000u, ~bits, bits > 0x7fffffffu);
}

// The smaller or the larger number; NaN before either.
fn extreme(left: f32, right: f32, larger: bool) -> f32 {
    let take_left = is_nan(left) || (!is_nan(right) && (ordered(left) > ordered(right)) == larger);
    return from_bits(select(bitcast<u32>(right), bitcast<u32>(left), take_left));
}

// Whether a number is less than another, neither of them NaN. Both zeros are one number.
fn precedes(left: f32, right: f32) -> bool {
    let both_zero = ((bitcast<u32>(left) | bitcast<u32>(right)) & 0x7fffffffu) == 0u;
    return !both_zero && ordered(left) < ordered(right);
}
