// What follows a sum before it is stored: bias, residual, activation.
// Header: HAS_BIAS, HAS_RESIDUAL, `activate`. Needs the bindings below, and activation_first and activation_second among the
// kernel's parameters.
//
// bias: [output channels]
// residual: as the output
// output: of Reals
#import shared/reals_*

// The bias of an output channel.
fn channel_offset(channel: u32) -> f32 {
    var offset = 0.0;
    if (HAS_BIAS == 1u) {
        offset = load_bias(channel);
    }
    return offset;
}

// `at` counts in units of Real.
fn store(at: u32, sum: Real, offset: f32) {
    var value = sum + offset;
    if (HAS_RESIDUAL == 1u) {
        value += load_residual(at);
    }
    store_output(at, activate(value, params.activation_first, params.activation_second));
}
