#import shared/decay

// tanh(softplus(x)) as a quotient of positive terms in e = exp(-|x|).
fn tanh_of_softplus(x: f32) -> f32 {
    let e = decay(-abs(x));
    let square = e * e;
    if (x < 0.0) {
        return (square + 2.0 * e) / (square + 2.0 * e + 2.0);
    }
    return (1.0 + 2.0 * e) / (1.0 + 2.0 * e + 2.0 * square);
}

fn mish_f32(x: f32) -> f32 {
    return x * tanh_of_softplus(x);
}
