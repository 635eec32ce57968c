// Softmax or log-softmax along rows whose elements lie together.
//
// A workgroup has a row. Each lane keeps ITEMS Reals of it, LANES apart, so that every element is loaded once and its exponential
// is computed once.
// Header: LANES (a power of two), ITEMS, WHOLE (whether a row has just as many Reals as its lanes keep), IS_LOG.
//
// input: [rows, extent], of Reals
// output: [rows, extent]
#import shared/reals_*
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
    // The row's elements, then what is made of them. Past its end its last Real stands in, which changes no maximum.
    var kept: array<Real, ITEMS>;
    var largest = load_input(first);
    // The largest magnitude, as bits: past infinity's it is a NaN, which `max` may drop.
    var magnitude = Bits(0u);
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let value = load_input(first + min(item * LANES + lane, params.extent - 1u));
        kept[item] = value;
        largest = max(largest, value);
        magnitude = max(magnitude, bitcast<Bits>(value) & Bits(0x7fffffffu));
    }
    let centre = largest_of_lanes(largest_across(largest), lane);
    // With an infinite maximum, plus or minus, every difference from it is undefined and so is the row; a NaN anywhere makes the
    // whole row NaN, too. The arithmetic need not have kept it.
    let most = largest_bits_of_lanes(largest_bits(magnitude), lane);
    let is_nan = most > INFINITY_BITS || (bitcast<u32>(centre) & INFINITY_BITS) == INFINITY_BITS;
    var sums = Real(0.0);
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let centred = kept[item] - Real(centre);
        let exponential = exp(max(centred, Real(-200.0)));
        kept[item] = select(exponential, centred, IS_LOG == 1u);
        sums += select(Real(0.0), exponential, is_inside(item * LANES + lane));
    }
    let sum = sum_of_lanes(sum_across(sums), lane);
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let element = item * LANES + lane;
        if (is_inside(element)) {
            var result = kept[item] / Real(sum);
            if (IS_LOG == 1u) {
                result = kept[item] - Real(log(sum));
            }
            store_output(first + element, select(result, Real(poison), is_nan));
        }
    }
}
