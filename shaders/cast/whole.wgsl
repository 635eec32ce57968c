#import shared/reals_*

// Towards 0, and to the ends of the type.
fn whole_f32(x: f32) -> i32 {
    let cut = i32(clamp(x, -2147483648.0, 2147483520.0));
    let beyond = select(cut, 2147483647, x >= 2147483648.0);
    return select(beyond, 0, is_nan(x));
}

fn whole_i32(x: i32) -> i32 {
    return x;
}
