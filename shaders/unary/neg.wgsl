#import shared/special

fn neg_f32(x: f32) -> f32 {
    return from_bits(bitcast<u32>(x) ^ 0x80000000u);
}

fn neg_i32(x: i32) -> i32 {
    return -x;
}
