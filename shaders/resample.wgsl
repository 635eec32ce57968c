// Weighted sums along an axis: the host says which elements each has, and their weights.
//
// An invocation computes one output.
// Header: LANES.
//
// input: [outer, extent, inner]
// starts: [length + 1] where the taps of each sum start
// sources, weights: those of each tap
// output: [outer, length, inner]

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let row = index / params.inner;
    let place = row % params.length;
    let first = row / params.length * params.extent * params.inner + index % params.inner;
    let start = load_starts(place);
    let end = load_starts(place + 1u);
    var sum = select(0.0, params.empty, start == end);
    for (var tap = start; tap < end; tap++) {
        sum = fma(load_input(first + load_sources(tap) * params.inner), load_weights(tap), sum);
    }
    store_output(index, sum);
}
