// Softmax or log-softmax along one axis: the maximum is subtracted first, so that nothing overflows.
//
// An invocation computes one row, that is all elements along the axis for one (outer, inner) index.
// Header: LANES, IS_LOG.
struct Params {
    extent: u32,               // along the axis
    inner: u32,                // elements after the axis: the distance between neighbours along it
    rows: u32,                 // outer * inner
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [outer, extent, inner]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (row >= params.rows) {
        return;
    }
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    var largest = input[first];
    var poisoned = is_nan(largest);
    for (var i = 1u; i < params.extent; i++) {
        let value = input[first + i * params.inner];
        largest = max(largest, value);
        poisoned = poisoned || is_nan(value);
    }
    // With an infinite maximum, plus or minus, every difference from it is undefined and so is the row.
    poisoned = poisoned || (bitcast<u32>(largest) & 0x7fffffffu) == INFINITY_BITS;
    var exponentials: BlockedSum;
    for (var i = 0u; i < params.extent; i++) {
        add_term(&exponentials, exp(max(input[first + i * params.inner] - largest, -200.0)));
    }
    let sum = total_of(exponentials);
    // A NaN anywhere makes the whole row NaN; the arithmetic need not have kept it.
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    for (var i = 0u; i < params.extent; i++) {
        let at = first + i * params.inner;
        let centred = input[at] - largest;
        var result = exp(max(centred, -200.0)) / sum;
        if (IS_LOG == 1u) {
            result = centred - log(sum);
        }
        output[at] = select(result, poison, poisoned);
    }
}
