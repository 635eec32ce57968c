// Normalisation by the squares of neighbouring channels: x / (k + factor * sum)^beta.
//
// An invocation computes one element.
// Header: LANES.
struct Params {
    elements: u32,             // N * C * plane
    channels: u32,
    plane: u32,                // elements of one plane: the distance between channels
    before: u32,               // channels summed before the element's own, and after it
    after: u32,
    factor: f32,               // alpha / size
    beta: f32,                 // positive, as k is
    k: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [N, C, plane]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [N, C, plane]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    let channel = index / params.plane % params.channels;
    let first = channel - min(channel, params.before);
    let last = min(channel + params.after, params.channels - 1u);
    let image = index - channel * params.plane;
    var sum = 0.0;
    for (var neighbour = first; neighbour <= last; neighbour++) {
        let value = input[image + neighbour * params.plane];
        sum = fma(value, value, sum);
    }
    let x = input[index];
    let base = fma(params.factor, sum, params.k);
    var result = x / exp2(params.beta * log2(base));
    // An infinite base leaves 0 of a finite element and makes NaN of an infinite one; NaN stays NaN.
    let base_bits = bitcast<u32>(base) & 0x7fffffffu;
    let is_infinite = (bitcast<u32>(x) & 0x7fffffffu) == INFINITY_BITS;
    result = select(result, 0.0, base_bits == INFINITY_BITS);
    let poison = bitcast<f32>(INFINITY_BITS | (params.plane | 1u));
    output[index] = select(result, poison, is_nan(base) || is_infinite);
}
