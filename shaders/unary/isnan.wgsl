#import shared/reals_*

fn isnan_f32(x: f32) -> i32 {
    return i32(is_nan(x));
}
