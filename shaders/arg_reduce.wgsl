// The place of the best element of each row: of the largest, or of the smallest. NaN is better than all.
//
// An invocation has a row, or, where rows are long (TOGETHER), a workgroup: its lanes run along the row, and a tree chooses among
// what they have.
// Header: LANES (a power of two), LARGEST, LAST (whether the last of equal elements is taken), TOGETHER, and that of
// shared/rank.wgsl.
//
// input: [outer, extent, inner]
// output: [outer, inner]
#import shared/rank

var<workgroup> worths: array<u32, LANES>;
var<workgroup> places: array<u32, LANES>;

fn worth_of(bits: u32) -> u32 {
    let rank = rank_of(bits);
    let is_kept = LARGEST == 1u || (IS_WHOLE == 0u && rank == NAN_RANK);
    return select(~rank, rank, is_kept);
}

// Whether an element comes before another.
fn is_better(worth: u32, place: u32, other_worth: u32, other_place: u32) -> bool {
    if (worth == other_worth) {
        return (place < other_place) != (LAST == 1u);
    }
    return worth > other_worth;
}

fn run(workgroup: u32, lane: u32) {
    let invocation = select(workgroup * LANES + lane, workgroup, TOGETHER == 1u);
    // What is past the end computes along with the last, so that barriers stay uniform, and stores nothing.
    let row = min(invocation, params.rows - 1u);
    let first = row / params.inner * params.extent * params.inner + row % params.inner;
    let step = select(1u, LANES, TOGETHER == 1u);
    var best_place = min(select(0u, lane, TOGETHER == 1u), params.extent - 1u);
    var best = worth_of(bitcast<u32>(load_input(first + best_place * params.inner)));
    for (var place = best_place + step; place < params.extent; place += step) {
        let worth = worth_of(bitcast<u32>(load_input(first + place * params.inner)));
        if (is_better(worth, place, best, best_place)) {
            best = worth;
            best_place = place;
        }
    }
    if (TOGETHER == 1u) {
        worths[lane] = best;
        places[lane] = best_place;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (lane < half && is_better(worths[lane + half], places[lane + half], worths[lane], places[lane])) {
                worths[lane] = worths[lane + half];
                places[lane] = places[lane + half];
            }
        }
        // The first lane's own writes.
        best_place = places[0];
    }
    if (invocation < params.rows && (TOGETHER == 0u || lane == 0u)) {
        store_output(row, best_place);
    }
}
