#import shared/order

fn clamp_f32(x: f32, low: f32, high: f32) -> f32 {
    return extreme(extreme(x, low, true), high, false);
}

fn clamp_i32(x: i32, low: i32, high: i32) -> i32 {
    return min(max(x, low), high);
}
