// What attention makes of scores. Header: AXES.

const INFINITY_BITS = 0x7f800000u;
const MINUS_INFINITY_BITS = 0xff800000u;
// What the largest score is before there is any. Not minus infinity, whose distance from itself is undefined: keys may yet come that are
// seen.
const LOWEST = -3.40282346e+38;

// A score's magnitude as bits, past infinity's of a NaN, which `max` may drop; of minus infinity, nothing.
fn magnitude_of(score: f32) -> u32 {
    let bits = bitcast<u32>(score);
    return select(bits & 0x7fffffffu, 0u, bits == MINUS_INFINITY_BITS);
}

fn weight(score: f32, largest: f32) -> f32 {
    return exp(max(score - largest, -200.0));
}

// Whether there was a NaN or infinity among the scores, which the largest of their magnitudes tells, whatever the arithmetic has kept,
// or nothing but minus infinities, whose weights are 0.
fn is_undefined(sum: f32, magnitude: u32) -> bool {
    return magnitude >= INFINITY_BITS || sum == 0.0;
}

// Where the mask of a matrix of scores begins.
fn first_of_mask(matrix: u32) -> u32 {
    var first = 0u;
    var rest = matrix;
    for (var axis = 0u; axis < AXES; axis++) { // unroll
        first += rest % params.axes[axis].x * params.axes[axis].y;
        rest /= params.axes[axis].x;
    }
    return first;
}
