// PReLU: x where positive, else slope * x, with one slope for all or one a channel.
//
// A workgroup serves one plane; an invocation computes ITEMS elements, LANES apart.
// Header: LANES, ITEMS.
struct Params {
    plane: u32,                // elements of one plane
    chunks: u32,               // ceil(plane / (LANES * ITEMS))
    planes: u32,               // N * C
    slopes: u32,               // 1 or C
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> slope: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

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
    let factor = slope[plane % params.slopes];
    let first = (workgroup % params.chunks) * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let offset = first + item * LANES;
        if (offset < params.plane) {
            let x = input[plane * params.plane + offset];
            // Zero too is multiplied, as in PyTorch: a slope that is NaN or infinite makes it NaN.
            let y = select(x, factor * x, x <= 0.0);
            output[plane * params.plane + offset] = select(y, x, is_nan(x));
        }
    }
}
