// Elements along some axes that become one by a function of two of them, in any order: whole numbers, bools, products of reals.
//
// An invocation has a task, one output or a part of one, as those of shared/reduction.wgsl: lanes run along the outputs.
// Header: LANES, `combine`, and those of shared/kept_axes.wgsl and shared/reduced_axes.wgsl.
//
// output: [parts, the kept axes], row-major
#import shared/kept_axes
#import shared/reduced_axes

fn run(workgroup: u32, lane: u32) {
    let task = workgroup * LANES + lane;
    if (task >= params.tasks) {
        return;
    }
    let first = first_source(task % params.outputs);
    let first_term = task / params.outputs * params.part_terms;
    let last_term = min(first_term + params.part_terms, params.terms);
    var row = first_term / params.axes[0].z;
    var column = first_term - row * params.axes[0].z;
    var at = row_source(first, row) + column * params.axes[0].w;
    var result = load_input(at);
    for (var term = first_term + 1u; term < last_term; term++) {
        at += params.axes[0].w;
        column++;
        if (REDUCED > 1u && column == params.axes[0].z) {
            column = 0u;
            row++;
            at = row_source(first, row);
        }
        result = combine(result, load_input(at));
    }
    store_output(task, result);
}
