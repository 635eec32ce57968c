// The places of the k best elements of each row, in no particular order.
//
// A workgroup has a row. What the last of them is worth is found bit by bit, by counting how many elements are worth as much; of those
// that are worth just that, the first are taken, up to a place that is found in the same way.
// Header: LANES (a power of two), and those of shared/top_k.wgsl.
//
// candidates: [rows, k]
#import shared/top_k

var<workgroup> partial: array<u32, LANES>;

// What all lanes have together.
fn sum_of_lanes(own: u32, lane: u32) -> u32 {
    partial[lane] = own;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    let sum = partial[0];
    workgroupBarrier();
    return sum;
}

fn run(workgroup: u32, lane: u32) {
    let row = workgroup;
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (row >= params.rows) {
        return;
    }
    let first = first_of(row);
    var least = 0u;
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
        var own = 0u;
        for (var place = lane; place < params.extent; place += LANES) {
            own += u32(worth_at(first, place) >= (least | bit));
        }
        least |= select(0u, bit, sum_of_lanes(own, lane) >= params.k);
    }
    var better = 0u;
    for (var place = lane; place < params.extent; place += LANES) {
        better += u32(worth_at(first, place) > least);
    }
    let missing = params.k - sum_of_lanes(better, lane);
    var last = 0u;
    for (var bit = params.place_bit; bit > 0u; bit >>= 1u) {
        var own = 0u;
        for (var place = lane; place < min(params.extent, last | bit); place += LANES) {
            own += u32(worth_at(first, place) == least);
        }
        last |= select(0u, bit, sum_of_lanes(own, lane) < missing);
    }

    var own = 0u;
    for (var place = lane; place < params.extent; place += LANES) {
        let worth = worth_at(first, place);
        own += u32(worth > least || (worth == least && place <= last));
    }
    partial[lane] = own;
    workgroupBarrier();
    var index = row * params.k;
    for (var other = 0u; other < lane; other++) {
        index += partial[other];
    }
    for (var place = lane; place < params.extent; place += LANES) {
        let worth = worth_at(first, place);
        if (worth > least || (worth == least && place <= last)) {
            store_candidates(index, place);
            index++;
        }
    }
}
