// Normalisation of planes whose mean and variance are known: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup has a chunk of LANES * ITEMS elements of one plane.
// Header: LANES, ITEMS.
//
// input: [N, C, plane]
// weight: [C]
// bias: [C]
// means: [N, C]
// variances: [N, C]
// output: [N, C, plane]
#import shared/reals_*

fn run(workgroup: u32, lane: u32) {
    let plane = workgroup / params.chunks;
    if (plane >= params.planes) {
        return;
    }
    let mean = load_means(plane);
    let channel = plane % params.channels;
    let scale = load_weight(channel) / sqrt(load_variances(plane) + params.eps);
    let shift = load_bias(channel);
    // NaN or an infinity in a plane makes all of it NaN; the arithmetic need not have kept it.
    let poisoned = (bitcast<u32>(mean) & INFINITY_BITS) == INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    var element = workgroup % params.chunks * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        if (element < params.plane) {
            let at = plane * params.plane + element;
            let result = fma(load_input(at) - mean, scale, shift);
            store_output(at, select(result, poison, poisoned));
        }
        element += LANES;
    }
}
