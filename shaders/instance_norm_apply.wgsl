// Normalisation of planes whose mean and variance are known: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup has a chunk of LANES * ITEMS elements of one plane.
// Header: LANES, ITEMS.
struct Params {
    plane: u32,                // elements of one plane
    planes: u32,               // N * C
    channels: u32,
    chunks: u32,               // of a plane
    eps: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [N, C, plane]
@group(0) @binding(2) var<storage, read> weight: array<f32>;              // [C]
@group(0) @binding(3) var<storage, read> bias: array<f32>;                // [C]
@group(0) @binding(4) var<storage, read> means: array<f32>;               // [N, C]
@group(0) @binding(5) var<storage, read> variances: array<f32>;           // [N, C]
@group(0) @binding(6) var<storage, read_write> output: array<f32>;        // [N, C, plane]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
    let plane = workgroup / params.chunks;
    if (plane >= params.planes) {
        return;
    }
    let mean = means[plane];
    let channel = plane % params.channels;
    let scale = weight[channel] / sqrt(variances[plane] + params.eps);
    let shift = bias[channel];
    // NaN or an infinity in a plane makes all of it NaN; the arithmetic need not have kept it.
    let poisoned = (bitcast<u32>(mean) & INFINITY_BITS) == INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    var element = workgroup % params.chunks * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        if (element < params.plane) {
            let at = plane * params.plane + element;
            let result = fma(input[at] - mean, scale, shift);
            output[at] = select(result, poison, poisoned);
        }
        element += LANES;
    }
}
