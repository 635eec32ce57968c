#import shared/special

fn abs_f32(x: f32) -> f32 {
    return from_bits(bitcast<u32>(x) & 0x7fffffffu);
}

fn abs_i32(x: i32) -> i32 {
    return abs(x);
}
