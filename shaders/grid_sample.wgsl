// Samples of planes, signals or volumes at the places that a grid names.
//
// An invocation computes one output.
// Header: LANES, AXES, MODE, PADDING, COORDINATES, and how many taps there are along each axis: TAPS_DEPTH, TAPS_HEIGHT, TAPS_WIDTH,
// 1 along those that are not there.
//
// input: [N, channels, D, H, W]
// grid: [N, points, AXES], the coordinate along the last axis first
// output: [N, channels, points]
#import shared/reals_single

const NEAREST = 0u;
const LINEAR = 1u;
const CUBIC = 2u;
const ZEROS = 0u;
const BORDER = 1u;
const REFLECTION = 2u;
const EDGES = 0u;
const CENTRES = 1u;

// By both ends of a span, until it is within.
fn reflected(place: f32, low: f32, span: f32) -> f32 {
    if (span == 0.0) {
        return low;
    }
    let distance = min(abs(place - low), 3.0e38);
    let flips = floor(distance / span);
    let extra = clamp(distance - flips * span, 0.0, span);
    let is_back = flips - 2.0 * floor(flips * 0.5) > 0.5;
    return low + select(extra, span - extra, is_back);
}

// Where a coordinate lies among the elements, or beside them where there are none.
fn place_of(coordinate: f32, size: f32) -> f32 {
    var place = coordinate;
    var low = 0.0;
    var span = size - 1.0;
    if (COORDINATES == EDGES) {
        place = ((coordinate + 1.0) * size - 1.0) * 0.5;
        low = -0.5;
        span = size;
    }
    if (COORDINATES == CENTRES) {
        place = (coordinate + 1.0) * 0.5 * (size - 1.0);
    }
    if (PADDING == REFLECTION) {
        place = reflected(place, low, span);
    }
    if (MODE == CUBIC || PADDING == ZEROS) {
        return clamp(place, -3.0, size + 2.0);
    }
    return clamp(place, 0.0, size - 1.0);
}

// The element that a tap is, and -1 where it is none.
fn source_of(tap: i32, size: i32) -> i32 {
    var within = tap;
    if (MODE == CUBIC && PADDING == BORDER) {
        within = clamp(tap, 0, size - 1);
    }
    if (MODE == CUBIC && PADDING == REFLECTION) {
        // Taps lie at most three elements outside, and whole turns make them positive.
        let last = select(2 * size - 2, 2 * size - 1, COORDINATES == EDGES);
        let turn = select(max(last, 1), 2 * size, COORDINATES == EDGES);
        let around = (tap + 4 * turn) % turn;
        within = min(around, last - around);
    }
    return select(-1, within, within >= 0 && within < size);
}

// The places along one axis.
struct Along {
    first: i32,
    beyond: f32,
    size: i32,
}

fn along(coordinate: f32, extent: u32) -> Along {
    let place = place_of(coordinate, f32(extent));
    let below = floor(place);
    var first = i32(below);
    if (MODE == NEAREST) {
        first = i32(round(place));
    }
    if (MODE == CUBIC) {
        first -= 1;
    }
    return Along(first, place - below, i32(extent));
}

fn inner_weight(t: f32) -> f32 {
    return (1.25 * t - 2.25) * t * t + 1.0;
}

fn weight_of(tap: u32, t: f32) -> f32 {
    if (MODE == NEAREST) {
        return 1.0;
    }
    let s = 1.0 - t;
    if (MODE == LINEAR) {
        return select(t, s, tap == 0u);
    }
    if (tap == 0u) {
        return -0.75 * t * s * s;
    }
    if (tap == 3u) {
        return -0.75 * t * t * s;
    }
    return inner_weight(select(s, t, tap == 1u));
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let plane = index / params.points;
    let at = (plane / params.channels * params.points + index % params.points) * AXES;
    let x = load_grid(at);
    var y = 0.0;
    var z = 0.0;
    if (AXES > 1u) {
        y = load_grid(at + 1u);
    }
    if (AXES > 2u) {
        z = load_grid(at + 2u);
    }
    if (is_nan(x) || is_nan(y) || is_nan(z)) {
        store_output(index, x + y + z);
        return;
    }
    let columns = along(x, params.width);
    var rows = Along(0, 0.0, 1);
    if (AXES > 1u) {
        rows = along(y, params.height);
    }
    var slices = Along(0, 0.0, 1);
    if (AXES > 2u) {
        slices = along(z, params.depth);
    }
    var sum = 0.0;
    for (var k = 0u; k < TAPS_DEPTH; k++) {
        let slice = source_of(slices.first + i32(k), slices.size);
        if (slice < 0) {
            continue;
        }
        var of_slice = 0.0;
        for (var j = 0u; j < TAPS_HEIGHT; j++) {
            let row = source_of(rows.first + i32(j), rows.size);
            if (row < 0) {
                continue;
            }
            let first = ((plane * params.depth + u32(slice)) * params.height + u32(row)) * params.width;
            var of_row = 0.0;
            for (var i = 0u; i < TAPS_WIDTH; i++) {
                let column = source_of(columns.first + i32(i), columns.size);
                if (column >= 0) {
                    of_row = fma(load_input(first + u32(column)), weight_of(i, columns.beyond), of_row);
                }
            }
            let weight = select(1.0, weight_of(j, rows.beyond), AXES > 1u);
            of_slice = fma(of_row, weight, of_slice);
        }
        let weight = select(1.0, weight_of(k, slices.beyond), AXES > 2u);
        sum = fma(of_slice, weight, sum);
    }
    store_output(index, sum);
}
