// The activations made of straight lines: so short that a convolution may carry their code at every output it stores.
// (With the code of all activations there, though all but one are dead, the first run of LeNet-5 took 2.9 s, not 1.6.)
// Header: ACTIVATION.
#import shared/reals_*

const RELU = 0u;
const RELU6 = 1u;
const LEAKY_RELU = 2u;
const HARD_SIGMOID = 10u;
const HARD_SWISH = 11u;
const CLAMP = 12u;
const HARD_SIGMOID_WITH = 22u;

// x itself where the activation is another. NaN is for the caller to keep.
fn straight_lines(x: Real, first: f32, second: f32) -> Real {
    if (ACTIVATION == RELU) {
        return max(x, Real(0.0));
    }
    if (ACTIVATION == RELU6) {
        return min(max(x, Real(0.0)), Real(6.0));
    }
    if (ACTIVATION == LEAKY_RELU) {
        return select(x, first * x, x < Real(0.0));
    }
    if (ACTIVATION == HARD_SIGMOID) {
        return min(max(x + 3.0, Real(0.0)), Real(6.0)) / 6.0;
    }
    if (ACTIVATION == HARD_SWISH) {
        return x * min(max(x + 3.0, Real(0.0)), Real(6.0)) / 6.0;
    }
    if (ACTIVATION == CLAMP) {
        return min(max(x, Real(first)), Real(second));
    }
    if (ACTIVATION == HARD_SIGMOID_WITH) {
        let line = first * x + second;
        // An alpha of 0 makes NaN of infinities.
        return select(clamp(line, Real(0.0), Real(1.0)), line, is_nan(line));
    }
    return x;
}
