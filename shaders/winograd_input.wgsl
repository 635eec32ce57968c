// The input of a 3x3 convolution for Winograd's algorithm: for each tile of TILE x TILE outputs, V = B^T d B of the patch d that
// they read (`tile_pixels` multiplies by B^T).
//
// Four tiles, QUAD_WIDTH across and QUAD_HEIGHT down, are stored at once. An invocation goes down a column of such quads of
// one channel: the padding's index map across is computed once, and a quad loads only the rows that the one above it has not.
// Pixels beyond the padded input are 0, since in a tile of four they reach outputs that count.
// Header: LANES, TILE, PATCH (TILE + 2), QUAD_WIDTH, QUAD_HEIGHT (4 / QUAD_WIDTH), NEW_ROWS (TILE * QUAD_HEIGHT),
// PATCH_WIDTH (TILE * QUAD_WIDTH + 2), ROW_VALUES (PATCH * QUAD_WIDTH), PADDING_MODE.
//
// input: [N, in_channels, H, W]
// transformed: [N, PATCH * PATCH, in_channels, rows, columns], a quad each
#import shared/padding
#import shared/winograd_*

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let column = invocation % params.columns;
    let segment = invocation / params.columns % params.segments;
    let plane = invocation / (params.columns * params.segments);
    let first_source = plane * params.in_height * params.in_width;

    var source_x: array<u32, PATCH_WIDTH>;
    var inside_x: array<bool, PATCH_WIDTH>;
    for (var i = 0u; i < PATCH_WIDTH; i++) { // unroll
        let padded_x = column * TILE * QUAD_WIDTH + i;
        let x = source_index(i32(padded_x) - i32(params.pad_left), i32(params.in_width));
        inside_x[i] = x >= 0 && padded_x < params.padded_width;
        source_x[i] = u32(max(x, 0));
    }

    let quads = params.rows * params.columns;
    let step = params.in_channels * quads;    // between the numbers of a tile
    let first_row = segment * params.segment_rows;
    let last_row = min(first_row + params.segment_rows, params.rows);
    var target_at = (plane / params.in_channels * PATCH * PATCH * params.in_channels + plane % params.in_channels) * quads + first_row * params.columns + column;

    // Rows of the patch times B, [PATCH][QUAD_WIDTH] each.
    var patch_rows: array<array<f32, ROW_VALUES>, NEW_ROWS + 2u>;
    // One round more than there are quads: the first only loads the two rows that the first quad shares.
    for (var row = first_row; row <= last_row; row++) {
        for (var i = 0u; i < ROW_VALUES; i++) { // unroll
            patch_rows[0][i] = patch_rows[NEW_ROWS][i];
            patch_rows[1][i] = patch_rows[NEW_ROWS + 1u][i];
        }
        for (var new_row = 0u; new_row < NEW_ROWS; new_row++) { // unroll
            // The first round is two rows of the patch above the segment's first quad.
            let padded_y = i32((params.rows_above + row) * NEW_ROWS + new_row) + 2 - i32(NEW_ROWS);
            let y = source_index(padded_y - i32(params.pad_top), i32(params.in_height));
            let inside_y = y >= 0 && padded_y < i32(params.padded_height);
            let source = first_source + u32(max(y, 0)) * params.in_width;
            var d: array<f32, PATCH_WIDTH>;
            for (var i = 0u; i < PATCH_WIDTH; i++) { // unroll
                d[i] = load_input(source + source_x[i]);
                if (PADDING_MODE == ZEROS || TILE > 2u) {
                    d[i] = select(0.0, d[i], inside_y && inside_x[i]);
                }
            }
            for (var j = 0u; j < QUAD_WIDTH; j++) { // unroll
                var pixels: array<f32, PATCH>;
                for (var i = 0u; i < PATCH; i++) { // unroll
                    pixels[i] = d[TILE * j + i];
                }
                let sums = tile_pixels(pixels);
                for (var i = 0u; i < PATCH; i++) { // unroll
                    patch_rows[2u + new_row][i * QUAD_WIDTH + j] = sums[i];
                }
            }
        }
        if (row == first_row) {
            continue;
        }
        for (var x = 0u; x < PATCH; x++) { // unroll
            var tiles: array<vec4<f32>, PATCH>;
            for (var j = 0u; j < 4u; j++) { // unroll
                const at = x * QUAD_WIDTH + j % QUAD_WIDTH;
                const top = TILE * (j / QUAD_WIDTH);
                var pixels: array<f32, PATCH>;
                for (var i = 0u; i < PATCH; i++) { // unroll
                    pixels[i] = patch_rows[top + i][at];
                }
                let sums = tile_pixels(pixels);
                for (var i = 0u; i < PATCH; i++) { // unroll
                    tiles[i][j] = sums[i];
                }
            }
            for (var y = 0u; y < PATCH; y++) { // unroll
                store_transformed(target_at + (y * PATCH + x) * step, tiles[y]);
            }
        }
        target_at += params.columns;
    }
}
