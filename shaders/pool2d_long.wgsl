// Maximum or average over windows of very many taps, as pool2d_any.wgsl.
//
// A workgroup computes one output: its lanes run along the window's taps, row by row, and a tree puts together what they have.
// Header: LANES (a power of two), IS_MAX, and that of shared/pool_window.wgsl.
const BLOCK = 32u;

var<workgroup> partial: array<f32, LANES>;
var<workgroup> partial_tap: array<u32, LANES>;

// Whether a tap's value comes before another's: the first of equals wins, the last NaN wins.
fn wins(value: f32, tap: u32, other: f32, other_tap: u32) -> bool {
    if (is_nan(value) || is_nan(other)) {
        return is_nan(value) && (!is_nan(other) || tap > other_tap);
    }
    return value > other || (value == other && tap < other_tap);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count);
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let plane = index / (params.out_width * params.out_height);
    let rows = window_rows(out_y);
    let columns = window_columns(out_x);
    let across = (max(columns.end, columns.first) - columns.first + columns.step - 1u) / columns.step;
    let down = (max(rows.end, rows.first) - rows.first + rows.step - 1u) / rows.step;
    let taps = across * down;

    let first_source = plane * params.in_height * params.in_width;
    var best = bitcast<f32>(params.lowest);
    var best_tap = 0u;
    // In blocks, whose sums are added up: rounding errors grow with what is added in a row.
    var sum = 0.0;
    var block = 0.0;
    var taken = 0u;
    for (var tap = lane; tap < taps; tap += LANES) {
        let row = tap / across;
        let y = rows.first + row * rows.step;
        let x = columns.first + (tap - row * across) * columns.step;
        let value = input[first_source + y * params.in_width + x];
        if (IS_MAX == 1u) {
            if (taken == 0u || wins(value, tap, best, best_tap)) {
                best = value;
                best_tap = tap;
            }
            taken++;
        } else {
            block += value;
            taken++;
            if (taken % BLOCK == 0u) {
                sum += block;
                block = 0.0;
            }
        }
    }
    if (IS_MAX == 1u) {
        partial[lane] = best;
        // A lane without a tap loses against any.
        partial_tap[lane] = select(best_tap, 0xffffffffu, taken == 0u);
    } else {
        partial[lane] = sum + block;
    }
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            if (IS_MAX == 1u) {
                let other_tap = partial_tap[lane + half];
                if (other_tap != 0xffffffffu && wins(partial[lane + half], other_tap, partial[lane], partial_tap[lane])) {
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
            let tap = select(partial_tap[0], 0u, partial_tap[0] == 0xffffffffu);
            let row = tap / max(across, 1u);
            output[index] = partial[0];
            store_index(index, place(plane, rows.first + row * rows.step, columns.first + (tap - row * across) * columns.step));
        } else {
            output[index] = mean_of(partial[0], rows, columns, out_y, out_x);
        }
    }
}
