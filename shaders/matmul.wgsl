// Matrix products, of floats or of whole numbers, of two plain row-major operands, with broadcast leading dimensions.
//
// An invocation computes ROWS x COLUMNS outputs of one matrix. Its rows are neighbours; its columns lie column_blocks
// apart, so that neighbouring invocations load neighbouring columns.
// Header: LANES, ROWS, COLUMNS, AXES, HAS_BEFORE (whether other calls have summed other terms, which are added).
//
// left: [left matrices, rows, inner]
// right: [right matrices, inner, columns]
// before: the sums of other terms, as the output
// output: [matrices, rows, columns]
#import shared/factors_*

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.blocks) {
        return;
    }
    let first_column = index % params.column_blocks;
    let first_row = index / params.column_blocks % params.row_blocks * ROWS;
    let matrix = index / (params.column_blocks * params.row_blocks);
    var left_matrix = 0u;
    var right_matrix = 0u;
    var rest = matrix;
    for (var axis = 0u; axis < AXES; axis++) { // unroll
        let coordinate = rest % params.axes[axis].x;
        rest /= params.axes[axis].x;
        left_matrix += coordinate * params.axes[axis].y;
        right_matrix += coordinate * params.axes[axis].z;
    }

    // Rows and columns past the end compute along with the last one and store nothing.
    var left_at: array<u32, ROWS>;
    for (var i = 0u; i < ROWS; i++) { // unroll
        left_at[i] = (left_matrix * params.rows + min(first_row + i, params.rows - 1u)) * params.inner;
    }
    var right_at: array<u32, COLUMNS>;
    for (var j = 0u; j < COLUMNS; j++) { // unroll
        right_at[j] = right_matrix * params.inner * params.columns + min(first_column + j * params.column_blocks, params.columns - 1u);
    }
    var sums: array<array<Factor, COLUMNS>, ROWS>;
    for (var k = params.first_term; k < params.last_term; k++) {
        let right_row = k * params.columns;
        var values: array<Factor, COLUMNS>;
        for (var j = 0u; j < COLUMNS; j++) { // unroll
            values[j] = load_right(right_at[j] + right_row);
        }
        for (var i = 0u; i < ROWS; i++) { // unroll
            let x = load_left(left_at[i] + k);
            for (var j = 0u; j < COLUMNS; j++) { // unroll
                sums[i][j] = multiply_add(x, values[j], sums[i][j]);
            }
        }
    }
    for (var i = 0u; i < ROWS; i++) { // unroll
        for (var j = 0u; j < COLUMNS; j++) { // unroll
            let row = first_row + i;
            let column = first_column + j * params.column_blocks;
            if (row < params.rows && column < params.columns) {
                let at = (matrix * params.rows + row) * params.columns + column;
                var sum = sums[i][j];
                if (HAS_BEFORE == 1u) {
                    sum += load_before(at);
                }
                store_output(at, sum);
            }
        }
    }
}
