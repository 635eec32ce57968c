// The p-norm of windows: (sum |x|^p)^(1/p).
//
// An invocation computes one output. For p > 1 elements are divided by the window's largest, so that their powers
// neither overflow nor all vanish.
// Header: LANES, NORM (p where it is 1 or 2, else 3).
const SMALLEST_NORMAL_BITS = 0x00800000u;

struct Params {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: u32,
    stride_width: u32,
    dilation_height: u32,
    dilation_width: u32,
    pad_top: u32,
    pad_left: u32,
    outputs: u32,              // N * C * OH * OW
    power: u32,                // p
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [planes, H, W]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [planes, OH, OW]

// x^p for 0 <= x <= 1, by squaring.
fn to_the_power(x: f32) -> f32 {
    if (NORM == 2u) {
        return x * x;
    }
    var result = 1.0;
    var factor = x;
    var rest = params.power;
    while (rest > 0u) {
        if ((rest & 1u) == 1u) {
            result *= factor;
        }
        factor *= factor;
        rest >>= 1u;
    }
    return result;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let first_source = index / (params.out_width * params.out_height) * params.in_height * params.in_width;
    let rows = window_taps(out_y, params.in_height, params.kernel_height, params.stride_height, params.dilation_height, params.pad_top);
    let columns = window_taps(out_x, params.in_width, params.kernel_width, params.stride_width, params.dilation_width, params.pad_left);

    var sum = 0.0;
    // The bits of the largest: of numbers that are not negative the larger has the larger bits, and NaN the largest.
    var most = 0u;
    for (var y = rows.first; y < rows.end; y += rows.step) {
        for (var x = columns.first; x < columns.end; x += columns.step) {
            let value = input[first_source + y * params.in_width + x];
            most = max(most, bitcast<u32>(value) & 0x7fffffffu);
            sum += abs(value);
        }
    }
    let largest = bitcast<f32>(most);
    if (NORM == 1u) {
        output[index] = select(sum, largest, most >= INFINITY_BITS);
        return;
    }
    // Zeros, and numbers so small that they may be taken for zero; an infinity, a NaN.
    if (most < SMALLEST_NORMAL_BITS || most >= INFINITY_BITS) {
        output[index] = largest;
        return;
    }
    sum = 0.0;
    for (var y = rows.first; y < rows.end; y += rows.step) {
        for (var x = columns.first; x < columns.end; x += columns.step) {
            sum += to_the_power(abs(input[first_source + y * params.in_width + x]) / largest);
        }
    }
    if (NORM == 2u) {
        output[index] = largest * sqrt(sum);
    } else {
        output[index] = largest * exp2(log2(sum) / f32(params.power));
    }
}
