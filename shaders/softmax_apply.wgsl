// Softmax or log-softmax of long rows, whose maximum and sum are known.
//
// Elements are Reals. Where those of a row lie together (ALONG), a workgroup has a chunk of one row, and its lanes run along it. Elsewhere lanes run
// along the rows, and an invocation has a chunk of its own. Either way it computes ITEMS elements.
// Header: LANES, ITEMS, IS_LOG, ALONG.
struct Params {
    extent: u32,               // along the axis, in Reals
    inner: u32,                // elements after the axis: the distance between neighbours along it
    rows: u32,                 // outer * inner
    chunks: u32,               // of a row
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Real>;              // [outer, extent, inner]
@group(0) @binding(2) var<storage, read> largest: array<f32>;             // [rows]
@group(0) @binding(3) var<storage, read> sums: array<f32>;                // [rows]: of exp(x - largest)
@group(0) @binding(4) var<storage, read_write> output: array<Real>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
    var row: u32;
    var element: u32;
    var step: u32;
    if (ALONG == 1u) {
        row = workgroup / params.chunks;
        element = workgroup % params.chunks * LANES * ITEMS + lane;
        step = LANES;
    } else {
        let invocation = workgroup * LANES + lane;
        row = invocation % params.rows;
        element = invocation / params.rows * ITEMS;
        step = 1u;
    }
    if (row >= params.rows) {
        return;
    }
    let most = largest[row];
    let sum = sums[row];
    // A NaN anywhere makes the whole row NaN, and so does an infinite maximum, plus or minus.
    let poisoned = (bitcast<u32>(most) & 0x7fffffffu) >= INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        if (element < params.extent) {
            let at = first + element * params.inner;
            let centred = input[at] - Real(most);
            var result = exp(max(centred, Real(-200.0))) / Real(sum);
            if (IS_LOG == 1u) {
                result = centred - Real(log(sum));
            }
            output[at] = select(result, Real(poison), poisoned);
        }
        element += step;
    }
}
