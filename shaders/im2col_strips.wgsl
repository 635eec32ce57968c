// As im2col.wgsl, where rows are whole vectors: an invocation goes down a strip of four columns, for one input channel and one row
// of taps, and loads each source row once.
// Header: LANES, KERNEL_WIDTH, DILATION_WIDTH, and those of shared/strip_quads.wgsl.
struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    kernel_height: u32,
    stride_height: u32,
    dilation_height: u32,
    pad_top: u32,
    pad_left: u32,
    strips: u32,               // out_width / 4
    segment_rows: u32,         // outputs that an invocation goes down
    segments: u32,             // ceil(out_height / segment_rows)
    invocations: u32,          // planes * kernel_height * segments * strips
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;         // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> terms: array<vec4<f32>>;   // [planes, KH, KW, OH, OW]

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
    let strip = invocation % params.strips;
    let segment = invocation / params.strips % params.segments;
    let tap_row = invocation / (params.strips * params.segments);
    let tap_y = tap_row % params.kernel_height;
    let columns = strip_columns(strip);
    let first_source = tap_row / params.kernel_height * params.in_height * (params.in_width / 4u);
    let row_quads = params.out_height * params.strips;
    let first_target = tap_row * KERNEL_WIDTH * row_quads;

    let first_y = segment * params.segment_rows;
    let last_y = min(first_y + params.segment_rows, params.out_height);
    for (var out_y = first_y; out_y < last_y; out_y++) {
        let padded_y = out_y * params.stride_height + tap_y * params.dilation_height;
        let y = source_index(i32(padded_y) - i32(params.pad_top), i32(params.in_height));
        let values = load_row(first_source + u32(max(y, 0)) * (params.in_width / 4u), columns, y >= 0, 0.0);
        for (var tap_x = 0u; tap_x < KERNEL_WIDTH; tap_x++) { // unroll
            var four: array<f32, 4>;
            for (var i = 0u; i < 4u; i++) { // unroll
                four[i] = values[i * STRIDE_WIDTH + tap_x * DILATION_WIDTH];
            }
            store_row(first_target + tap_x * row_quads + out_y * params.strips, strip, four, 0.0);
        }
    }
}

fn store(at: u32, value: vec4<f32>, offset: f32) {
    terms[at] = value;
}
