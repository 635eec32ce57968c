// Rows whose best elements are sought.
//
// Header: LARGEST, and that of shared/rank.wgsl.
//
// input: [outer, extent, inner]
#import shared/rank

// Where a row's first element is; others follow `inner` apart.
fn first_of(row: u32) -> u32 {
    return row / params.inner * params.extent * params.inner + row % params.inner;
}

// The larger, the better.
fn worth_at(first: u32, place: u32) -> u32 {
    let rank = rank_of(bitcast<u32>(load_input(first + place * params.inner)));
    return select(~rank, rank, LARGEST == 1u);
}
