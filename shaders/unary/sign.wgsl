fn sign_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    return select(bitcast<f32>((bits & 0x80000000u) | 0x3f800000u), x, (bits & 0x7fffffffu) == 0u);
}

fn sign_i32(x: i32) -> i32 {
    return sign(x);
}
