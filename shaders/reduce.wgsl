// Sum, mean or maximum along some axes.
//
// An invocation computes one output.
// Header: LANES, REDUCTION, KEPT and REDUCED (the number of axes of each kind, at least 1), MOST_AXES.
const SUM = 0u;
const MEAN = 1u;
const MAX = 2u;

struct Params {
    outputs: u32,
    count: f32,                // elements that become one
    rows: u32,                 // count / the extent of the last reduced axis
    // The last axis first: extent and input stride of a kept axis (KEPT count), then of a reduced one (REDUCED count).
    axes: array<vec4<u32>, MOST_AXES>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // the kept axes, row-major

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    var first = 0u;
    var kept = index;
    for (var axis = 0u; axis < KEPT; axis++) { // unroll
        var coordinate = kept;
        if (axis + 1u < KEPT) {
            coordinate = kept % params.axes[axis].x;
            kept /= params.axes[axis].x;
        }
        first += coordinate * params.axes[axis].y;
    }
    var result = select(0.0, input[first], REDUCTION == MAX);
    // The largest magnitude seen, as bits: past infinity's it is a NaN, which `max` may have dropped.
    var magnitude = 0u;
    for (var row = 0u; row < params.rows; row++) {
        var at = first;
        var rest = row;
        for (var axis = 0u; axis < REDUCED; axis++) { // unroll
            if (axis > 0u) {
                at += rest % params.axes[axis].z * params.axes[axis].w;
                rest /= params.axes[axis].z;
            }
        }
        for (var i = 0u; i < params.axes[0].z; i++) {
            let value = input[at];
            if (REDUCTION == MAX) {
                result = max(result, value);
                magnitude = max(magnitude, bitcast<u32>(value) & 0x7fffffffu);
            } else {
                result += value;
            }
            at += params.axes[0].w;
        }
    }
    if (REDUCTION == MEAN) {
        result /= params.count;
    }
    if (magnitude > INFINITY_BITS) {
        result = bitcast<f32>(magnitude);
    }
    output[index] = result;
}
