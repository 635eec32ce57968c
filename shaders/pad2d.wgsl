// Padding (and cropping) of each plane in any of the four modes.
//
// An invocation writes ROWS outputs of one column.
// Header: LANES, ROWS, PADDING_MODE.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    pad_top: i32,
    pad_left: i32,
    row_blocks: u32,           // ceil(out_height / ROWS)
    position_blocks: u32,      // ceil(row_blocks * out_width / LANES)
    planes: u32,               // N * C
    value: f32,                // the constant of the zeros mode
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let workgroup = workgroup_number(workgroup_id, workgroup_count);
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
                value = input[first_source + u32(y) * params.in_width + u32(x)];
            }
            output[target_plane + out_y * params.out_width] = value;
        }
    }
}
