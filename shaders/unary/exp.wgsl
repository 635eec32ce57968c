#import shared/exponential

fn exp_f32(x: f32) -> f32 {
    return exponential(x);
}
