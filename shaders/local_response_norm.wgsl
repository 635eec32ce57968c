// Normalisation by the squares of neighbouring channels: x / (k + factor * sum)^beta.
//
// An invocation computes one element.
// Header: LANES.
//
// input: [N, C, plane]
// output: [N, C, plane]
#import shared/reals_*

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    let channel = index / params.plane % params.channels;
    let first = channel - min(channel, params.before);
    let last = min(channel + params.after, params.channels - 1u);
    let image = index - channel * params.plane;
    var sum = 0.0;
    for (var neighbour = first; neighbour <= last; neighbour++) {
        let value = load_input(image + neighbour * params.plane);
        sum = fma(value, value, sum);
    }
    let x = load_input(index);
    let base = fma(params.factor, sum, params.k);
    var result = x / exp2(params.beta * log2(base));
    // An infinite base leaves 0 of a finite element and makes NaN of an infinite one; NaN stays NaN.
    let base_bits = bitcast<u32>(base) & 0x7fffffffu;
    let is_infinite = (bitcast<u32>(x) & 0x7fffffffu) == INFINITY_BITS;
    result = select(result, 0.0, base_bits == INFINITY_BITS);
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    store_output(index, select(result, poison, is_nan(base) || is_infinite));
}
