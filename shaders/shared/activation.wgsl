// The activations, each relatively accurate over the whole range: no difference of near-equal numbers, no overflow.
// Exponents are kept above -200, where exp is 0 in f32 and an infinite argument cannot surprise a compiler.
// Header: ACTIVATION.
#import shared/exponential
#import shared/straight_lines

const ELU = 3u;
const SILU = 4u;
const GELU = 5u;
const MISH = 6u;
const SOFTPLUS = 7u;
const SIGMOID = 8u;
const TANH = 9u;
const ABS = 13u;
const NEG = 14u;
const EXP = 15u;
const LOG = 16u;
const SQRT = 17u;
const ERF = 18u;
const SOFTSIGN = 19u;
const SELU = 20u;
const CELU = 21u;
const GELU_TANH = 23u;
const FLOOR = 24u;
const CEIL = 25u;

// exp(x) for x <= 0.
fn decay(x: f32) -> f32 {
    return exp(max(x, -200.0));
}

fn sigmoid(x: f32) -> f32 {
    let e = decay(-abs(x));
    return select(1.0, e, x < 0.0) / (1.0 + e);
}

// exp(x) - 1 for x <= 0: the series near 0, where the difference would cancel.
fn decay_minus_one(x: f32) -> f32 {
    if (x < -0.5) {
        return decay(x) - 1.0;
    }
    var series = 1.0 + x / 8.0;
    series = 1.0 + x / 7.0 * series;
    series = 1.0 + x / 6.0 * series;
    series = 1.0 + x / 5.0 * series;
    series = 1.0 + x / 4.0 * series;
    series = 1.0 + x / 3.0 * series;
    series = 1.0 + x / 2.0 * series;
    return x * series;
}

// log(1 + e) for 0 <= e <= 1: twice the series of artanh(e / (2 + e)).
fn log_one_plus(e: f32) -> f32 {
    let z = e / (2.0 + e);
    let square = z * z;
    var series = 1.0 / 15.0;
    series = 1.0 / 13.0 + square * series;
    series = 1.0 / 11.0 + square * series;
    series = 1.0 / 9.0 + square * series;
    series = 1.0 / 7.0 + square * series;
    series = 1.0 / 5.0 + square * series;
    series = 1.0 / 3.0 + square * series;
    return 2.0 * z * (1.0 + square * series);
}

// The polynomial near 0 (S. Moshier, Cephes, tanhf) and 1 - 2 / (exp(2 |x|) + 1) beyond.
fn hyperbolic_tangent(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude < 0.625) {
        let square = x * x;
        var series = -5.70498872745e-3;
        series = series * square + 2.06390887954e-2;
        series = series * square - 5.37397155531e-2;
        series = series * square + 1.33314422036e-1;
        series = series * square - 3.33332819422e-1;
        return x + x * square * series;
    }
    let e = decay(-2.0 * magnitude);
    return select(1.0, -1.0, x < 0.0) * (1.0 - e) / (1.0 + e);
}

// The complementary error function, relative error below 1.2e-7 before rounding (Chebyshev fit of Numerical Recipes, 6.2).
fn complementary_error(x: f32) -> f32 {
    let magnitude = abs(x);
    let t = 1.0 / (1.0 + 0.5 * magnitude);
    var fit = 0.17087277;
    fit = fit * t - 0.82215223;
    fit = fit * t + 1.48851587;
    fit = fit * t - 1.13520398;
    fit = fit * t + 0.27886807;
    fit = fit * t - 0.18628806;
    fit = fit * t + 0.09678418;
    fit = fit * t + 0.37409196;
    fit = fit * t + 1.00002368;
    fit = fit * t - 1.26551223;
    // exp(-x^2) and exp(fit) apart, so that each argument stays as exact as it is.
    let tail = t * decay(-min(magnitude * magnitude, 200.0)) * exp(fit);
    return select(tail, 2.0 - tail, x < 0.0);
}

// The Maclaurin series to 1, where its terms sum to twice the result at most, then 1 - erfc(x).
fn error_function(x: f32) -> f32 {
    let magnitude = abs(x);
    if (magnitude > 1.0) {
        return select(1.0, -1.0, x < 0.0) * (1.0 - complementary_error(magnitude));
    }
    let square = x * x;
    var series = 1.0 / 76204800.0;      // 1 / (n! (2 n + 1)) for n = 10
    series = series * square - 1.0 / 6894720.0;
    series = series * square + 1.0 / 685440.0;
    series = series * square - 1.0 / 75600.0;
    series = series * square + 1.0 / 9360.0;
    series = series * square - 1.0 / 1320.0;
    series = series * square + 1.0 / 216.0;
    series = series * square - 1.0 / 42.0;
    series = series * square + 1.0 / 10.0;
    series = series * square - 1.0 / 3.0;
    return 1.1283792 * (x + x * square * series);
}

// The square root; 0, infinity and NaN by bits, since WGSL takes it to be 1 / inverseSqrt(x).
fn square_root(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var special = bitcast<u32>(sqrt(max(x, 0.0)));
    special = select(special, bits, bits == INFINITY_BITS || (bits & 0x7fffffffu) == 0u);
    return from_bits(select(special, NAN_BITS, bits > 0x80000000u));
}

// x * sigmoid(2 u), which is x / 2 * (1 + tanh(u)), with u = sqrt(2 / pi) * (x + 0.044715 x^3). Beyond 20 the argument
// decides nothing more and could overflow.
fn gelu_tanh(x: f32) -> f32 {
    let near = clamp(x, -20.0, 20.0);
    let y = x * sigmoid(1.5957691 * near * (1.0 + 0.044715 * near * near));
    // PyTorch multiplies minus infinity by 0.
    return from_bits(select(bitcast<u32>(y), NAN_BITS, bitcast<u32>(x) == 0xff800000u));
}

// x / (1 + |x|); PyTorch divides infinity by infinity. From 2^26 the quotient is 1.
fn softsign(x: f32) -> f32 {
    let magnitude = min(abs(x), 67108864.0);
    let y = select(magnitude, -magnitude, x < 0.0) / (1.0 + magnitude);
    return from_bits(select(bitcast<u32>(y), NAN_BITS, (bitcast<u32>(x) & 0x7fffffffu) == INFINITY_BITS));
}

// tanh(softplus(x)) as a quotient of positive terms in e = exp(-|x|).
fn tanh_of_softplus(x: f32) -> f32 {
    let e = decay(-abs(x));
    let square = e * e;
    if (x < 0.0) {
        return (square + 2.0 * e) / (square + 2.0 * e + 2.0);
    }
    return (1.0 + 2.0 * e) / (1.0 + 2.0 * e + 2.0 * square);
}

// first and second are the parameters of the activations that have any.
fn activate(x: f32, first: f32, second: f32) -> f32 {
    var y = straight_lines(x, first, second);
    if (ACTIVATION == ELU) {
        y = select(x, first * decay_minus_one(min(x, 0.0)), x < 0.0);
    } else if (ACTIVATION == SILU) {
        y = x * sigmoid(x);
    } else if (ACTIVATION == GELU) {
        y = 0.5 * x * complementary_error(-0.70710678 * x);
        // PyTorch gives NaN for both infinities.
        let bits = bitcast<u32>(x);
        y = select(y, bitcast<f32>(bits | 1u), (bits & 0x7fffffffu) == INFINITY_BITS);
    } else if (ACTIVATION == MISH) {
        y = x * tanh_of_softplus(x);
    } else if (ACTIVATION == SOFTPLUS) {
        y = max(x, 0.0) + log_one_plus(decay(-abs(x)));
    } else if (ACTIVATION == SIGMOID) {
        y = sigmoid(x);
    } else if (ACTIVATION == TANH) {
        y = hyperbolic_tangent(x);
    } else if (ACTIVATION == ABS) {
        y = from_bits(bitcast<u32>(x) & 0x7fffffffu);
    } else if (ACTIVATION == NEG) {
        y = from_bits(bitcast<u32>(x) ^ 0x80000000u);
    } else if (ACTIVATION == EXP) {
        y = exponential(x);
    } else if (ACTIVATION == LOG) {
        y = logarithm(x);
    } else if (ACTIVATION == SQRT) {
        y = square_root(x);
    } else if (ACTIVATION == ERF) {
        y = error_function(x);
    } else if (ACTIVATION == SOFTSIGN) {
        y = softsign(x);
    } else if (ACTIVATION == SELU) {
        y = first * select(x, second * decay_minus_one(min(x, 0.0)), x < 0.0);
    } else if (ACTIVATION == CELU) {
        y = select(x, first * decay_minus_one(min(second * x, 0.0)), x < 0.0);
    } else if (ACTIVATION == GELU_TANH) {
        y = gelu_tanh(x);
    } else if (ACTIVATION == FLOOR) {
        y = floor(x);
    } else if (ACTIVATION == CEIL) {
        y = ceil(x);
    }
    return select(y, x, is_nan(x));
}
