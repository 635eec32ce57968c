// Maximum or average over windows of very many taps, as pool2d_any.wgsl.
//
// A workgroup computes one output: its lanes run along the window's taps, row by row, and a tree puts together what they have.
// Header: LANES (a power of two), IS_MAX, and that of shared/pool_window.wgsl.
#import shared/blocked_sum
#import shared/indices_*
#import shared/pool_window

const NO_TAP = 0xffffffffu;

var<workgroup> partial: array<f32, LANES>;
var<workgroup> partial_tap: array<u32, LANES>;

// Whether a tap's value comes before another's: the first of equals wins, the last NaN wins.
fn wins(value: f32, tap: u32, other: f32, other_tap: u32) -> bool {
    if (is_nan(value) || is_nan(other)) {
        return is_nan(value) && (!is_nan(other) || tap > other_tap);
    }
    return value > other || (value == other && tap < other_tap);
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup;
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let plane = index / (params.out_width * params.out_height);
    let rows = window_rows(out_y);
    let columns = window_columns(out_x);
    let across = tap_count(columns);
    let taps = across * tap_count(rows);

    let first_source = plane * params.in_height * params.in_width;
    var best = bitcast<f32>(params.lowest);
    // A lane without a tap loses against any.
    var best_tap = NO_TAP;
    var sum: BlockedSum;
    for (var tap = lane; tap < taps; tap += LANES) {
        let at = tap_place(rows, columns, across, tap);
        let value = load_input(first_source + at.x * params.in_width + at.y);
        if (IS_MAX == 1u) {
            if (best_tap == NO_TAP || wins(value, tap, best, best_tap)) {
                best = value;
                best_tap = tap;
            }
        } else {
            add_term(&sum, value);
        }
    }
    if (IS_MAX == 1u) {
        partial[lane] = best;
        partial_tap[lane] = best_tap;
    } else {
        partial[lane] = total_of(sum);
    }
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            if (IS_MAX == 1u) {
                let other_tap = partial_tap[lane + half];
                if (other_tap != NO_TAP && wins(partial[lane + half], other_tap, partial[lane], partial_tap[lane])) {
                    partial[lane] = partial[lane + half];
                    partial_tap[lane] = other_tap;
                }
            } else {
                partial[lane] += partial[lane + half];
            }
        }
    }
    if (lane == 0u) {
        if (IS_MAX == 1u) {
            // A window that has no tap at all is said to be where it begins.
            let at = tap_place(rows, columns, max(across, 1u), select(partial_tap[0], 0u, partial_tap[0] == NO_TAP));
            store_output(index, partial[0]);
            store_index(index, place(plane, at.x, at.y));
        } else {
            store_output(index, mean_of(partial[0], rows, columns, out_y, out_x));
        }
    }
}
