// Normalisation of rows by their own statistics.
//
// A workgroup has a row. Each lane keeps ITEMS Reals of it, LANES apart, so that every element is loaded once.
// Header: LANES (a power of two), ITEMS, WHOLE (whether a row has just as many Reals as its lanes keep), CENTRED, HAS_BIAS.
//
// input: [rows, extent], of Reals
// weight: [extent]
// bias: [extent]
// output: [rows, extent]
#import shared/layer_norm
#import shared/reduction_*
#import shared/lanes_*

fn is_inside(element: u32) -> bool {
    return WHOLE == 1u || element < params.extent;
}

fn run(workgroup: u32, lane: u32) {
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (workgroup >= params.rows) {
        return;
    }
    let first = workgroup * params.extent;
    // The row's elements, then their distances from its mean.
    var kept: array<Real, ITEMS>;
    var sums = Real(0.0);
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let element = item * LANES + lane;
        kept[item] = load_input(first + min(element, params.extent - 1u));
        sums += select(Real(0.0), kept[item], is_inside(element));
    }
    var mean = 0.0;
    if (CENTRED == 1u) {
        mean = sum_of_lanes(sum_across(sums), lane) / params.divisor;
    }
    var squares = Real(0.0);
    for (var item = 0u; item < ITEMS; item++) { // unroll
        kept[item] -= Real(mean);
        squares += select(Real(0.0), kept[item] * kept[item], is_inside(item * LANES + lane));
    }
    let square = sum_of_lanes(sum_across(squares), lane) / params.divisor;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let element = item * LANES + lane;
        if (is_inside(element)) {
            store_normalised(workgroup, element, kept[item], mean, square);
        }
    }
}
