// A strip of four columns of outputs, for windows at any place in rows of any length: its source rows are loaded one number
// at a time. Needs `input`, in_width, out_width and pad_left among the parameters, and `store`.
// Header: WIDTH (source columns of a strip), STRIDE_WIDTH, PADDING_MODE.
#import shared/padding

const ITEM = 1u;

struct Columns {
    at: array<u32, WIDTH>,
    inside: array<bool, WIDTH>,
}

fn strip_columns(strip: u32) -> Columns {
    var columns: Columns;
    for (var i = 0u; i < WIDTH; i++) { // unroll
        let x = source_index(i32(strip * 4u * STRIDE_WIDTH + i) - i32(params.pad_left), i32(params.in_width));
        columns.inside[i] = x >= 0;
        columns.at[i] = u32(max(x, 0));
    }
    return columns;
}

// The numbers of a source row, `fill` where there is none.
fn load_row(row: u32, columns: Columns, inside: bool, fill: f32) -> array<f32, WIDTH> {
    var values: array<f32, WIDTH>;
    for (var i = 0u; i < WIDTH; i++) { // unroll
        values[i] = load_input(row + columns.at[i]);
        if (PADDING_MODE == ZEROS) {
            values[i] = select(fill, values[i], inside && columns.inside[i]);
        }
    }
    return values;
}

fn store_row(row: u32, strip: u32, values: array<f32, 4>, offset: f32) {
    for (var i = 0u; i < 4u; i++) { // unroll
        let x = strip * 4u + i;
        if (x < params.out_width) {
            store(row + x, values[i], offset);
        }
    }
}
