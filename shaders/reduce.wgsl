// Sum, mean or maximum along some axes.
//
// An invocation has a task (shared/reduction.wgsl): lanes run along the outputs.
// Header: LANES, and those of shared/reduced_axes.wgsl and shared/reduction.wgsl.
#import shared/reduced_axes
#import shared/reduction

fn run(workgroup: u32, lane: u32) {
    let task = workgroup * LANES + lane;
    if (task >= params.tasks) {
        return;
    }
    let output_index = task % params.outputs;
    let first = first_source(output_index);
    let centre = centre_of(output_index);
    let first_term = task / params.outputs * params.part_terms;
    let last_term = min(first_term + params.part_terms, params.terms);

    var row = first_term / params.axes[0].z;
    var column = first_term - row * params.axes[0].z;
    var at = row_source(first, row) + column * params.axes[0].w;
    var sum: BlockedSum;
    var largest = load_input(at);
    // The largest magnitude seen, as bits: past infinity's it is a NaN.
    var magnitude = 0u;
    for (var term = first_term; term < last_term; term++) {
        let value = term_of(load_input(at), centre);
        if (REDUCTION == MAX) {
            largest = max(largest, value);
            magnitude = max(magnitude, bitcast<u32>(value) & 0x7fffffffu);
        } else {
            add_term(&sum, value);
        }
        at += params.axes[0].w;
        if (REDUCED > 1u) {
            column++;
            if (column == params.axes[0].z) {
                column = 0u;
                row++;
                at = row_source(first, row);
            }
        }
    }
    if (REDUCTION == MAX) {
        store_result(task, bitcast<f32>(select(bitcast<u32>(largest), magnitude, magnitude > INFINITY_BITS)));
    } else {
        store_result(task, total_of(sum));
    }
}
