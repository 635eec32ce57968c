#import shared/reals_*

// The product before the division, as in PyTorch.
fn hardswish_f32(x: Real) -> Real {
    return x * min(max(x + 3.0, Real(0.0)), Real(6.0)) / 6.0;
}
