#import shared/reals_*

fn bool_f32(x: f32) -> i32 {
    return i32((bitcast<u32>(x) & 0x7fffffffu) != 0u);
}

fn bool_i32(x: i32) -> i32 {
    return i32(x != 0);
}
