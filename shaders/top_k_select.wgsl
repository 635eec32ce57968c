// The places of the k best elements of each row, in no particular order.
//
// A workgroup has a row. What the last of them is worth is found digit by digit, from the highest: of those that have the digits so far,
// all are counted by their next one. Of the elements that are worth just that, the first are taken, up to a place that is found in the
// same way.
// Header: LANES (a power of two), and those of shared/top_k.wgsl.
//
// candidates: [rows, k]
#import shared/top_k

const DIGIT_BITS = 8u;
const DIGITS = 256u;

// How many elements have each digit.
var<workgroup> counts: array<atomic<u32>, DIGITS>;
// The digit that was found, and how many of those that have it are wanted.
var<workgroup> digit: u32;
var<workgroup> wanted: u32;
var<workgroup> partial: array<u32, LANES>;

fn clear(lane: u32) {
    for (var index = lane; index < DIGITS; index += LANES) {
        atomicStore(&counts[index], 0u);
    }
    workgroupBarrier();
}

// Finds the highest digit so that those with it and with higher ones are as many as are wanted.
fn choose(lane: u32) {
    workgroupBarrier();
    if (lane == 0u) {
        var found = DIGITS - 1u;
        var count = atomicLoad(&counts[found]);
        while (count < wanted && found > 0u) {
            wanted -= count;
            found--;
            count = atomicLoad(&counts[found]);
        }
        digit = found;
    }
    workgroupBarrier();
}

fn run(workgroup: u32, lane: u32) {
    let row = workgroup;
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (row >= params.rows) {
        return;
    }
    let first = first_of(row);
    if (lane == 0u) {
        wanted = params.k;
    }
    var least = 0u;
    var known = 0u;
    for (var left = 32u; left > 0u; left -= DIGIT_BITS) {
        let shift = left - DIGIT_BITS;
        clear(lane);
        for (var place = lane; place < params.extent; place += LANES) {
            let worth = worth_at(first, place);
            if ((worth & known) == least) {
                atomicAdd(&counts[(worth >> shift) % DIGITS], 1u);
            }
        }
        choose(lane);
        least |= digit << shift;
        known |= (DIGITS - 1u) << shift;
    }
    // The lower the place, the better.
    var last = 0u;
    known = 0u;
    for (var left = params.place_bits; left > 0u; left -= DIGIT_BITS) {
        let shift = left - DIGIT_BITS;
        clear(lane);
        for (var place = lane; place < params.extent; place += LANES) {
            if (((place ^ last) & known) == 0u && worth_at(first, place) == least) {
                atomicAdd(&counts[DIGITS - 1u - (place >> shift) % DIGITS], 1u);
            }
        }
        choose(lane);
        last |= (DIGITS - 1u - digit) << shift;
        known |= (DIGITS - 1u) << shift;
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
