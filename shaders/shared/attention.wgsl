// What attention keeps of the keys that it has seen, for one query. Header: AXES.

const INFINITY_BITS = 0x7f800000u;
const MINUS_INFINITY_BITS = 0xff800000u;
const LOWEST = -3.40282346e+38;

struct Running {
    largest: f32,
    sum: f32,
    // The largest of the scores' magnitudes, as bits, but for minus infinity: from infinity's on the row is undefined, whatever the
    // arithmetic has kept of it.
    magnitude: u32,
}

// Not minus infinity, whose distance from itself is undefined: keys may yet come that are seen.
fn nothing_seen() -> Running {
    return Running(LOWEST, 0.0, 0u);
}

fn magnitude_of(score: f32) -> u32 {
    let bits = bitcast<u32>(score);
    return select(bits & 0x7fffffffu, 0u, bits == MINUS_INFINITY_BITS);
}

fn weight(score: f32, largest: f32) -> f32 {
    return exp(max(score - largest, -200.0));
}

// Whether there was a NaN or infinity among the scores, or nothing but minus infinities.
fn is_undefined(running: Running) -> bool {
    return running.magnitude >= INFINITY_BITS || running.sum == 0.0;
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
