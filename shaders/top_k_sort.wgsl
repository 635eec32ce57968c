// The k best elements of each row in their order, and their places.
//
// An invocation has one of them, and counts those that are better. Of equal ones the one with the lower place is better.
// Header: LANES, and those of shared/top_k.wgsl.
//
// candidates: [rows, k]
// values, indices: [outer, k, inner]
#import shared/top_k

fn run(workgroup: u32, lane: u32) {
    let candidate = workgroup * LANES + lane;
    if (candidate >= params.rows * params.k) {
        return;
    }
    let row = candidate / params.k;
    let first = first_of(row);
    let own_place = load_candidates(candidate);
    let own_worth = worth_at(first, own_place);
    var before = 0u;
    for (var index = row * params.k; index < (row + 1u) * params.k; index++) {
        let place = load_candidates(index);
        let worth = worth_at(first, place);
        before += u32(worth > own_worth || (worth == own_worth && place < own_place));
    }
    let at = (row / params.inner * params.k + before) * params.inner + row % params.inner;
    store_values(at, load_input(first + own_place * params.inner));
    store_indices(at, own_place);
}
