// Batch normalisation with given statistics: (x - mean) / sqrt(variance + eps) * weight + bias.
//
// A workgroup serves one plane; an invocation computes ITEMS elements, LANES apart.
// Header: LANES, ITEMS.
struct Params {
    plane: u32,                // elements of one plane
    chunks: u32,               // ceil(plane / (LANES * ITEMS))
    planes: u32,               // N * C
    channels: u32,
    eps: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;                // [channels], like the next three
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> output: array<f32>;

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
    let channel = plane % params.channels;
    let centre = mean[channel];
    let scale = weight[channel] / sqrt(variance[channel] + params.eps);
    let shift = bias[channel];
    let first = (workgroup % params.chunks) * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let offset = first + item * LANES;
        if (offset < params.plane) {
            let at = plane * params.plane + offset;
            output[at] = (input[at] - centre) * scale + shift;
        }
    }
}
