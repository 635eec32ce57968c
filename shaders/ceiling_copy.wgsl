// A plain copy of a large buffer: the most bytes that kernels of this kind move on an adapter.
//
// An invocation copies ITEMS times four elements, LANES apart.
// Header: LANES, ITEMS.

fn run(workgroup: u32, lane: u32) {
    let first = workgroup * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let index = first + item * LANES;
        if (index < params.items) {
            store_output(index, load_input(index));
        }
    }
}
