// Softmax or log-softmax along one axis: the maximum is subtracted first, so that nothing overflows.
//
// An invocation computes one row, that is all elements along the axis for one (outer, inner) index.
// Header: LANES, IS_LOG.
//
// input: [outer, extent, inner]
#import shared/blocked_sum

fn run(workgroup: u32, lane: u32) {
    let row = workgroup * LANES + lane;
    if (row >= params.rows) {
        return;
    }
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    var largest = load_input(first);
    var poisoned = is_nan(largest);
    for (var i = 1u; i < params.extent; i++) {
        let value = load_input(first + i * params.inner);
        largest = max(largest, value);
        poisoned = poisoned || is_nan(value);
    }
    // With an infinite maximum, plus or minus, every difference from it is undefined and so is the row.
    poisoned = poisoned || (bitcast<u32>(largest) & 0x7fffffffu) == INFINITY_BITS;
    var exponentials: BlockedSum;
    for (var i = 0u; i < params.extent; i++) {
        add_term(&exponentials, exp(max(load_input(first + i * params.inner) - largest, -200.0)));
    }
    let sum = total_of(exponentials);
    // A NaN anywhere makes the whole row NaN; the arithmetic need not have kept it.
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    for (var i = 0u; i < params.extent; i++) {
        let at = first + i * params.inner;
        let centred = load_input(at) - largest;
        var result = exp(max(centred, -200.0)) / sum;
        if (IS_LOG == 1u) {
            result = centred - log(sum);
        }
        store_output(at, select(result, poison, poisoned));
    }
}
