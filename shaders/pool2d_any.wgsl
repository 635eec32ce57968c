// Maximum or average over windows of any size: adaptive pooling, large windows, and maxima with their indices.
//
// An invocation computes one output.
// Header: LANES, IS_MAX, and that of shared/pool_window.wgsl.
#import shared/blocked_sum
#import shared/indices_*
#import shared/pool_window

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let plane = index / (params.out_width * params.out_height);
    let rows = window_rows(out_y);
    let columns = window_columns(out_x);

    let first_source = plane * params.in_height * params.in_width;
    var best = bitcast<f32>(params.lowest);
    var best_index = place(plane, rows.first, columns.first);
    var sum: BlockedSum;
    for (var y = rows.first; y < rows.end; y += rows.step) {
        for (var x = columns.first; x < columns.end; x += columns.step) {
            let value = load_input(first_source + y * params.in_width + x);
            if (IS_MAX == 1u) {
                // The first of equals wins, the last NaN wins.
                if (is_nan(value) || (!is_nan(best) && value > best)) {
                    best = value;
                    best_index = place(plane, y, x);
                }
            } else {
                add_term(&sum, value);
            }
        }
    }
    if (IS_MAX == 1u) {
        store_output(index, best);
        store_index(index, best_index);
    } else {
        store_output(index, mean_of(total_of(sum), rows, columns, out_y, out_x));
    }
}
