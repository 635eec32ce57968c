// The sum or the product of each element of a row with all before it.
//
// An invocation has a row.
// Header: LANES, PRODUCT, EXCLUSIVE, REVERSE, `combine`.
//
// input, output: [outer, extent, inner]

fn run(workgroup: u32, lane: u32) {
    let row = workgroup * LANES + lane;
    if (row >= params.rows) {
        return;
    }
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    // Backwards modulo 2^32.
    let step = select(params.inner, 0u - params.inner, REVERSE == 1u);
    var at = first + select(0u, (params.extent - 1u) * params.inner, REVERSE == 1u);
    var total = load_input(at);
    if (EXCLUSIVE == 0u) {
        store_output(at, total);
    } else if (PRODUCT == 1u) {
        store_output(at, 1);
    } else {
        store_output(at, 0);
    }
    for (var place = 1u; place < params.extent; place++) {
        at += step;
        let next = combine(total, load_input(at));
        if (EXCLUSIVE == 1u) {
            store_output(at, total);
        } else {
            store_output(at, next);
        }
        total = next;
    }
}
