// Normalisation of each plane by its own statistics: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup serves one plane, in three passes: mean, variance about it, result. One pass over sums and sums of squares
// would cancel where the mean is large.
// Header: LANES, a power of two.
struct Params {
    plane: u32,                // elements of one plane
    planes: u32,               // N * C
    channels: u32,
    eps: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [N, C, plane]
@group(0) @binding(2) var<storage, read> weight: array<f32>;              // [C]
@group(0) @binding(3) var<storage, read> bias: array<f32>;                // [C]
@group(0) @binding(4) var<storage, read_write> output: array<f32>;        // [N, C, plane]

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

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let plane = workgroup_number(workgroup_id, workgroup_count);
    if (plane >= params.planes) {
        return;
    }
    let first = plane * params.plane;
    var sum: BlockedSum;
    for (var offset = lane; offset < params.plane; offset += LANES) {
        add_term(&sum, input[first + offset]);
    }
    let mean = sum_of_lanes(total_of(sum), lane) / f32(params.plane);
    var squares: BlockedSum;
    for (var offset = lane; offset < params.plane; offset += LANES) {
        let distance = input[first + offset] - mean;
        add_product(&squares, distance, distance);
    }
    let variance = sum_of_lanes(total_of(squares), lane) / f32(params.plane);
    let channel = plane % params.channels;
    let scale = weight[channel] / sqrt(variance + params.eps);
    let shift = bias[channel];
    // NaN or an infinity in a plane makes all of it NaN; the arithmetic need not have kept it.
    let poisoned = (bitcast<u32>(mean) & INFINITY_BITS) == INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    for (var offset = lane; offset < params.plane; offset += LANES) {
        let result = fma(input[first + offset] - mean, scale, shift);
        output[first + offset] = select(result, poison, poisoned);
    }
}
