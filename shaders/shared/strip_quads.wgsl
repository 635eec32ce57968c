// As shared/strip_single.wgsl, where rows of input and output are whole vectors of four and windows reach past either end by
// less than one: a vector is inside, or the one before the first, or the one after the last, and those two are made of the
// row's first and last.
// Header: WIDTH, STRIDE_WIDTH, PADDING_MODE, and QUADS (vectors that hold a strip's source columns), FIRST (the place of the first
// column in the first vector), QUADS_BEFORE (1 where the first strip begins in the vector before the row).
#import shared/padding

const ITEM = 4u;

struct Columns {
    at: array<u32, QUADS>,
    before: bool,              // the first vector is before the row
    after: bool,               // the last vector is after the row
}

fn strip_columns(strip: u32) -> Columns {
    let row_quads = i32(params.in_width / 4u);
    let first = i32(strip * STRIDE_WIDTH) - i32(QUADS_BEFORE);
    var columns: Columns;
    columns.before = first < 0;
    columns.after = first + i32(QUADS) > row_quads;
    for (var i = 0u; i < QUADS; i++) { // unroll
        var quad = first + i32(i);
        if (PADDING_MODE == CIRCULAR) {
            quad = select(quad, quad + row_quads, quad < 0);
            quad = select(quad, quad - row_quads, quad >= row_quads);
        }
        columns.at[i] = u32(clamp(quad, 0, row_quads - 1));
    }
    return columns;
}

fn load_row(row: u32, columns: Columns, inside: bool, fill: f32) -> array<f32, WIDTH> {
    var quads: array<vec4<f32>, QUADS>;
    for (var i = 0u; i < QUADS; i++) { // unroll
        quads[i] = load_input(row + columns.at[i]);
        if (PADDING_MODE == ZEROS) {
            quads[i] = select(vec4(fill), quads[i], inside);
        }
    }
    let first = quads[0u];
    let last = quads[QUADS - 1u];
    if (PADDING_MODE == ZEROS) {
        quads[0u] = select(first, vec4(fill), columns.before);
        quads[QUADS - 1u] = select(quads[QUADS - 1u], vec4(fill), columns.after);
    }
    if (PADDING_MODE == REPLICATE) {
        quads[0u] = select(first, first.xxxx, columns.before);
        quads[QUADS - 1u] = select(quads[QUADS - 1u], last.wwww, columns.after);
    }
    // Four are never needed past an end, so the row's own first and last have all that is reflected.
    if (PADDING_MODE == REFLECT) {
        quads[0u] = select(first, first.xwzy, columns.before);
        quads[QUADS - 1u] = select(quads[QUADS - 1u], last.zyxw, columns.after);
    }
    var values: array<f32, WIDTH>;
    for (var i = 0u; i < WIDTH; i++) { // unroll
        values[i] = quads[(FIRST + i) / 4u][(FIRST + i) % 4u];
    }
    return values;
}

fn store_row(row: u32, strip: u32, values: array<f32, 4>, offset: f32) {
    store(row + strip, vec4(values[0], values[1], values[2], values[3]), offset);
}
