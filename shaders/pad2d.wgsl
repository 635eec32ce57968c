// Padding (and cropping) of each plane in any of the four modes.
//
// An invocation writes ROWS outputs of one column.
// Header: LANES, ROWS, PADDING_MODE.
//
// input: [planes, H, W]
// output: [planes, OH, OW]
#import shared/padding

fn run(workgroup: u32, lane: u32) {
    let plane = workgroup / params.position_blocks;
    let position = (workgroup % params.position_blocks) * LANES + lane;
    let row_block = position / params.out_width;
    if (plane >= params.planes || row_block >= params.row_blocks) {
        return;
    }
    let out_x = position % params.out_width;
    let first_y = row_block * ROWS;
    let first_source = plane * params.in_height * params.in_width;
    let target_plane = plane * params.out_height * params.out_width + out_x;
    let x = source_index(i32(out_x) - params.pad_left, i32(params.in_width));
    for (var row = 0u; row < ROWS; row++) { // unroll
        let out_y = first_y + row;
        if (out_y < params.out_height) {
            let y = source_index(i32(out_y) - params.pad_top, i32(params.in_height));
            var value = params.value;
            if (x >= 0 && y >= 0) {
                value = load_input(first_source + u32(y) * params.in_width + u32(x));
            }
            store_output(target_plane + out_y * params.out_width, value);
        }
    }
}
