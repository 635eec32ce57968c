// The input of a 3x3 convolution for Winograd's F(2x2, 3x3): for each tile of 2x2 outputs, V = B^T d B of the 4x4 patch d that
// they read, where B^T has the rows (1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1).
//
// Four tiles, QUAD_WIDTH across and QUAD_HEIGHT down, are stored at once. An invocation goes down a column of such quads of
// one channel: the padding's index map across is computed once, and a quad loads only the rows that the one above it has not.
// Header: LANES, QUAD_WIDTH, QUAD_HEIGHT (4 / QUAD_WIDTH), NEW_ROWS (2 * QUAD_HEIGHT), PATCH_WIDTH (2 * QUAD_WIDTH + 2),
// ROW_VALUES (4 * QUAD_WIDTH), PADDING_MODE.
struct Params {
    in_channels: u32,
    in_height: u32,
    in_width: u32,
    pad_top: u32,
    pad_left: u32,
    rows: u32,                 // of quads, in a band of the plane
    rows_above: u32,           // of quads, above the band
    columns: u32,              // of quads: ceil(tiles across / QUAD_WIDTH)
    segment_rows: u32,         // rows of quads that an invocation goes down
    segments: u32,             // ceil(rows / segment_rows)
    invocations: u32,          // N * in_channels * segments * columns
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [N, in_channels, H, W]
@group(0) @binding(2) var<storage, read_write> transformed: array<vec4<f32>>; // [N, 16, in_channels, rows, columns], a quad each

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let invocation = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
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
        let x = source_index(i32(column * 2u * QUAD_WIDTH + i) - i32(params.pad_left), i32(params.in_width));
        inside_x[i] = x >= 0;
        source_x[i] = u32(max(x, 0));
    }

    let quads = params.rows * params.columns;
    let step = params.in_channels * quads;    // between the 16 numbers of a tile
    let first_row = segment * params.segment_rows;
    let last_row = min(first_row + params.segment_rows, params.rows);
    var target_at = (plane / params.in_channels * 16u * params.in_channels + plane % params.in_channels) * quads + first_row * params.columns + column;

    // Rows of the patch times B, [4][QUAD_WIDTH] each.
    var patch_rows: array<array<f32, ROW_VALUES>, NEW_ROWS + 2u>;
    // One round more than there are quads: the first only loads the two rows that the first quad shares.
    for (var row = first_row; row <= last_row; row++) {
        for (var i = 0u; i < ROW_VALUES; i++) { // unroll
            patch_rows[0][i] = patch_rows[NEW_ROWS][i];
            patch_rows[1][i] = patch_rows[NEW_ROWS + 1u][i];
        }
        for (var new_row = 0u; new_row < NEW_ROWS; new_row++) { // unroll
            let y = source_index(i32((params.rows_above + row) * NEW_ROWS + new_row) + 2 - i32(NEW_ROWS + params.pad_top), i32(params.in_height));
            let source = first_source + u32(max(y, 0)) * params.in_width;
            var d: array<f32, PATCH_WIDTH>;
            for (var i = 0u; i < PATCH_WIDTH; i++) { // unroll
                d[i] = input[source + source_x[i]];
                if (PADDING_MODE == ZEROS) {
                    d[i] = select(0.0, d[i], y >= 0 && inside_x[i]);
                }
            }
            for (var j = 0u; j < QUAD_WIDTH; j++) { // unroll
                patch_rows[2u + new_row][j] = d[2u * j] - d[2u * j + 2u];
                patch_rows[2u + new_row][QUAD_WIDTH + j] = d[2u * j + 1u] + d[2u * j + 2u];
                patch_rows[2u + new_row][2u * QUAD_WIDTH + j] = d[2u * j + 2u] - d[2u * j + 1u];
                patch_rows[2u + new_row][3u * QUAD_WIDTH + j] = d[2u * j + 1u] - d[2u * j + 3u];
            }
        }
        if (row == first_row) {
            continue;
        }
        for (var x = 0u; x < 4u; x++) { // unroll
            var tiles: array<vec4<f32>, 4>;
            for (var j = 0u; j < 4u; j++) { // unroll
                const at = x * QUAD_WIDTH + j % QUAD_WIDTH;
                const top = 2u * (j / QUAD_WIDTH);
                tiles[0][j] = patch_rows[top][at] - patch_rows[top + 2u][at];
                tiles[1][j] = patch_rows[top + 1u][at] + patch_rows[top + 2u][at];
                tiles[2][j] = patch_rows[top + 2u][at] - patch_rows[top + 1u][at];
                tiles[3][j] = patch_rows[top + 1u][at] - patch_rows[top + 3u][at];
            }
            for (var y = 0u; y < 4u; y++) { // unroll
                transformed[target_at + (y * 4u + x) * step] = tiles[y];
            }
        }
        target_at += params.columns;
    }
}
