// Normalisation of each plane by its own statistics: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup serves one plane, in three passes: mean, variance about it, result. One pass over sums and sums of squares
// would cancel where the mean is large.
// Header: LANES, a power of two.
//
// input: [N, C, plane]
// weight: [C]
// bias: [C]
// output: [N, C, plane]
#import shared/blocked_sum

var<workgroup> partial: array<f32, LANES>;

// The sum of every lane's number, the same in all lanes.
fn sum_of_lanes(own: f32, lane: u32) -> f32 {
    partial[lane] = own;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
        workgroupBarrier();
    }
    let total = partial[0];
    // Nobody writes the next sum's terms before everybody has read this one.
    workgroupBarrier();
    return total;
}

fn run(workgroup: u32, lane: u32) {
    let plane = workgroup;
    if (plane >= params.planes) {
        return;
    }
    let first = plane * params.plane;
    var sum: BlockedSum;
    for (var offset = lane; offset < params.plane; offset += LANES) {
        add_term(&sum, load_input(first + offset));
    }
    let mean = sum_of_lanes(total_of(sum), lane) / f32(params.plane);
    var squares: BlockedSum;
    for (var offset = lane; offset < params.plane; offset += LANES) {
        let distance = load_input(first + offset) - mean;
        add_product(&squares, distance, distance);
    }
    let variance = sum_of_lanes(total_of(squares), lane) / f32(params.plane);
    let channel = plane % params.channels;
    let scale = load_weight(channel) / sqrt(variance + params.eps);
    let shift = load_bias(channel);
    // NaN or an infinity in a plane makes all of it NaN; the arithmetic need not have kept it.
    let poisoned = (bitcast<u32>(mean) & INFINITY_BITS) == INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    for (var offset = lane; offset < params.plane; offset += LANES) {
        let result = fma(load_input(first + offset) - mean, scale, shift);
        store_output(first + offset, select(result, poison, poisoned));
    }
}
