// What reductions have in common: their terms, and which terms a task has. A task is one output, or, where a
// sum is long, a part of one: other tasks have its other parts, and another dispatch puts them together.
//
// Header: REDUCTION, TERM, and that of shared/kept_axes.wgsl.
//
// input: of Reals
// centres: [outputs], unless TERM has none
// output: [parts, the kept axes], row-major
#import shared/blocked_sum
#import shared/kept_axes
#import shared/reduction_*

const SUM = 0u;
const MEAN = 1u;
const MAX = 2u;

const PLAIN = 0u;
const EXPONENTIAL = 1u;      // exp(x - centre)
const SQUARE = 2u;           // (x - centre)^2
const PLAIN_SQUARE = 3u;     // x^2

fn centre_of(output_index: u32) -> f32 {
    if (TERM == PLAIN || TERM == PLAIN_SQUARE) {
        return 0.0;
    }
    return load_centres(output_index);
}

fn term_of(x: Real, centre: f32) -> Real {
    if (TERM == EXPONENTIAL) {
        return exp(max(x - Real(centre), Real(-200.0)));
    }
    if (TERM == SQUARE) {
        let distance = x - Real(centre);
        return distance * distance;
    }
    if (TERM == PLAIN_SQUARE) {
        return x * x;
    }
    return x;
}

// The larger of two, and NaN if one is: `max` may drop it.
fn larger(a: f32, b: f32) -> f32 {
    let bits = max(bitcast<u32>(a) & 0x7fffffffu, bitcast<u32>(b) & 0x7fffffffu);
    return bitcast<f32>(select(bitcast<u32>(max(a, b)), bits, bits > INFINITY_BITS));
}

fn store_result(task: u32, result: f32) {
    if (REDUCTION == MEAN) {
        store_output(task, result / params.divisor);
    } else {
        store_output(task, result);
    }
}
