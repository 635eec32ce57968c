// Softmax or log-softmax of long rows, whose maximum and sum are known.
//
// Elements are Reals. Where those of a row lie together (ALONG), a workgroup has a chunk of one row, and its lanes run along it. Elsewhere lanes run
// along the rows, and an invocation has a chunk of its own. Either way it computes ITEMS elements.
// Header: LANES, ITEMS, IS_LOG, ALONG.
//
// input: [outer, extent, inner]
// largest: [rows]
// sums: [rows]: of exp(x - largest)
#import shared/reals_*

fn run(workgroup: u32, lane: u32) {
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
    let most = load_largest(row);
    let sum = load_sums(row);
    // A NaN anywhere makes the whole row NaN, and so does an infinite maximum, plus or minus.
    let poisoned = (bitcast<u32>(most) & 0x7fffffffu) >= INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        if (element < params.extent) {
            let at = first + element * params.inner;
            let centred = load_input(at) - Real(most);
            var result = exp(max(centred, Real(-200.0))) / Real(sum);
            if (IS_LOG == 1u) {
                result = centred - Real(log(sum));
            }
            store_output(at, select(result, Real(poison), poisoned));
        }
        element += step;
    }
}
