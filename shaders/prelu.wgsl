// PReLU: x where positive, else slope * x, with one slope for all or one a channel.
//
// A workgroup serves one plane; an invocation computes ITEMS elements, LANES apart.
// Header: LANES, ITEMS.
#import shared/reals_*

fn run(workgroup: u32, lane: u32) {
    let plane = workgroup / params.chunks;
    if (plane >= params.planes) {
        return;
    }
    let factor = load_slope(plane % params.slopes);
    let first = (workgroup % params.chunks) * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let offset = first + item * LANES;
        if (offset < params.plane) {
            let x = load_input(plane * params.plane + offset);
            // Zero too is multiplied, as in PyTorch: a slope that is NaN or infinite makes it NaN.
            let y = select(x, factor * x, x <= 0.0);
            store_output(plane * params.plane + offset, select(y, x, is_nan(x)));
        }
    }
}
