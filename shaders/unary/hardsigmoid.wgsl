#import shared/reals_*

fn hardsigmoid_f32(x: Real) -> Real {
    return min(max(x + 3.0, Real(0.0)), Real(6.0)) / 6.0;
}
