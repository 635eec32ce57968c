// Where the terms of reductions begin.
//
// Header: KEPT (the number of axes that stay, at least 1).

// Where an output's first term is.
fn first_source(output_index: u32) -> u32 {
    var first = 0u;
    var rest = output_index;
    for (var axis = 0u; axis < KEPT; axis++) { // unroll
        var coordinate = rest;
        if (axis + 1u < KEPT) {
            coordinate = rest % params.axes[axis].x;
            rest /= params.axes[axis].x;
        }
        first += coordinate * params.axes[axis].y;
    }
    return first;
}
