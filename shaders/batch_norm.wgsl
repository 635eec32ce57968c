// Batch normalisation with given statistics: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup serves one plane; an invocation computes ITEMS elements, LANES apart.
// Header: LANES, ITEMS.
//
// mean: [channels], like the next three

fn run(workgroup: u32, lane: u32) {
    let plane = workgroup / params.chunks;
    if (plane >= params.planes) {
        return;
    }
    let channel = plane % params.channels;
    let centre = load_mean(channel);
    let scale = load_weight(channel) / sqrt(load_variance(channel) + params.eps);
    let shift = load_bias(channel);
    let first = (workgroup % params.chunks) * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let offset = first + item * LANES;
        if (offset < params.plane) {
            let at = plane * params.plane + offset;
            store_output(at, (load_input(at) - centre) * scale + shift);
        }
    }
}
