// Adds the parts of a product whose terms were split over workgroups, in their order, then bias, residual and activation.
// Header: LANES, and those of shared/epilogue.wgsl.
struct Params {
    outputs: u32,              // elements of the output
    splits: u32,
    channels: u32,             // of the output, over all groups
    channel_stride: u32,       // elements between the channels of one position
    activation_first: f32,     // the activation's parameters
    activation_second: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;               // [splits, outputs]
@group(0) @binding(2) var<storage, read> bias: array<f32>;                // [channels]
@group(0) @binding(3) var<storage, read> residual: array<Real>;           // as the output
@group(0) @binding(4) var<storage, read_write> output: array<Real>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (at >= params.outputs) {
        return;
    }
    var sum = 0.0;
    for (var split = 0u; split < params.splits; split++) {
        sum += parts[split * params.outputs + at];
    }
    store(at, sum, channel_offset(at / params.channel_stride % params.channels));
}
