// The p-norm of windows: (sum |x|^p)^(1/p).
//
// An invocation computes one output, or, where windows have very many taps (TOGETHER), a workgroup does, with a tree that puts together
// what its lanes have. For p > 1 elements are divided by the window's largest, so that their powers
// neither overflow nor all vanish.
// Header: LANES, NORM (p where it is 1 or 2, else 3), TOGETHER.
//
// input: [planes, H, W]
// output: [planes, OH, OW]
#import shared/blocked_sum
#import shared/window_taps

const SMALLEST_NORMAL_BITS = 0x00800000u;

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

var<workgroup> partial: array<f32, LANES>;

// The sum, or the largest, of all lanes' numbers where they are together, and else the lane's own. Numbers are not negative, so that the
// larger has the larger bits, and NaN the largest.
fn of_lanes(own: f32, is_sum: bool, lane: u32) -> f32 {
    if (TOGETHER == 0u) {
        return own;
    }
    partial[lane] = own;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            let other = partial[lane + half];
            let most = bitcast<f32>(max(bitcast<u32>(partial[lane]), bitcast<u32>(other)));
            partial[lane] = select(most, partial[lane] + other, is_sum);
        }
    }
    workgroupBarrier();
    let result = partial[0];
    workgroupBarrier();
    return result;
}

fn run(workgroup: u32, lane: u32) {
    let invocation = select(workgroup * LANES + lane, workgroup, TOGETHER == 1u);
    // What is past the end computes along with the last, so that barriers stay uniform, and stores nothing.
    let index = min(invocation, params.outputs - 1u);
    let out_x = index % params.out_width;
    let out_y = index / params.out_width % params.out_height;
    let first_source = index / (params.out_width * params.out_height) * params.in_height * params.in_width;
    let rows = window_taps(out_y, params.in_height, params.kernel_height, params.stride_height, params.dilation_height, params.pad_top);
    let columns = window_taps(out_x, params.in_width, params.kernel_width, params.stride_width, params.dilation_width, params.pad_left);
    let across = tap_count(columns);
    let taps = across * tap_count(rows);
    let first_tap = select(0u, lane, TOGETHER == 1u);
    let step = select(1u, LANES, TOGETHER == 1u);

    var sum: BlockedSum;
    var most = 0u;
    for (var tap = first_tap; tap < taps; tap += step) {
        let at = tap_place(rows, columns, across, tap);
        let value = load_input(first_source + at.x * params.in_width + at.y);
        most = max(most, bitcast<u32>(value) & 0x7fffffffu);
        add_term(&sum, abs(value));
    }
    let largest = of_lanes(bitcast<f32>(most), false, lane);
    let largest_bits = bitcast<u32>(largest);
    var result = 0.0;
    if (NORM == 1u) {
        result = of_lanes(total_of(sum), true, lane);
        result = select(result, largest, largest_bits >= INFINITY_BITS);
    } else {
        var powers: BlockedSum;
        for (var tap = first_tap; tap < taps; tap += step) {
            let at = tap_place(rows, columns, across, tap);
            let value = load_input(first_source + at.x * params.in_width + at.y);
            add_term(&powers, to_the_power(abs(value) / largest));
        }
        let total = of_lanes(total_of(powers), true, lane);
        if (NORM == 2u) {
            result = largest * sqrt(total);
        } else {
            result = largest * exp2(log2(total) / f32(params.power));
        }
        // Zeros, and numbers so small that they may be taken for zero; an infinity, a NaN.
        result = select(result, largest, largest_bits < SMALLEST_NORMAL_BITS || largest_bits >= INFINITY_BITS);
    }
    let stores = invocation < params.outputs && (TOGETHER == 0u || lane == 0u);
    if (stores) {
        store_output(index, result);
    }
}
