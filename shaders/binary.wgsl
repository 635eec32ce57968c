// Elementwise arithmetic of two tensors with broadcasting.
//
// An invocation computes one element.
// Header: LANES, OPERATION, SAME_SHAPE, AXES.
struct Params {
    elements: u32,
    // One for each of at most AXES axes, the last axis first: extent, left stride, right stride (0 where broadcast), unused.
    axes: array<vec4<u32>, AXES>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

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
    var left_index = index;
    var right_index = index;
    if (SAME_SHAPE == 0u) {
        left_index = 0u;
        right_index = 0u;
        var rest = index;
        for (var axis = 0u; axis < AXES; axis++) { // unroll
            let coordinate = rest % params.axes[axis].x;
            rest /= params.axes[axis].x;
            left_index += coordinate * params.axes[axis].y;
            right_index += coordinate * params.axes[axis].z;
        }
    }
    output[index] = combine(left[left_index], right[right_index]);
}
