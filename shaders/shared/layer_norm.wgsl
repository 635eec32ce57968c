// What becomes of an element of a row whose statistics are known: distance / sqrt(square + eps) * weight + bias.
//
// Header: CENTRED (whether the distance is from the mean, else from 0), HAS_BIAS.
//
// weight: [extent], of Reals
// bias: [extent]; where there is none, the weight stands in
#import shared/reals_*

fn store_normalised(row: u32, element: u32, distance: Real, mean: f32, square: f32) {
    let scale = load_weight(element) / Real(sqrt(square + params.eps));
    var result = distance * scale;
    if (HAS_BIAS == 1u) {
        result = fma(distance, scale, load_bias(element));
    }
    // NaN or an infinity in a row makes all of it NaN; the arithmetic need not have kept it.
    let whole = bitcast<u32>(select(square, mean, CENTRED == 1u));
    let is_poisoned = (whole & INFINITY_BITS) == INFINITY_BITS;
    let poison = bitcast<f32>(INFINITY_BITS | (params.extent | 1u));
    store_output(row * params.extent + element, select(result, Real(poison), is_poisoned));
}
