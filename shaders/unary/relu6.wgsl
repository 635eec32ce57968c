#import shared/reals_*

fn relu6_f32(x: Real) -> Real {
    return min(max(x, Real(0.0)), Real(6.0));
}
