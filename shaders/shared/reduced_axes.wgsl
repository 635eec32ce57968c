// Where the terms of reductions lie, where they are not one row.
//
// Header: REDUCED (the number of axes that go, at least 1).

// Where a row of the last reduced axis begins.
fn row_source(first: u32, row: u32) -> u32 {
    var at = first;
    var rest = row;
    for (var axis = 0u; axis < REDUCED; axis++) { // unroll
        if (axis > 0u) {
            at += rest % params.axes[axis].z * params.axes[axis].w;
            rest /= params.axes[axis].z;
        }
    }
    return at;
}
