//: workgroups 1 1 1
//: binding 0 values 2 2 98304 98304 98304.0 0 0 0 2 98304 98304 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
//: binding 1 halves 196608
//: binding 2 zeros 1
//: binding 3 zeros 2
const LANES: u32 = 8u;
const REDUCTION: u32 = 1u;
const TERM: u32 = 0u;
const KEPT: u32 = 1u;
const REDUCED: u32 = 1u;
struct Params {
    outputs: u32,
    tasks: u32, // outputs * parts
    terms: u32, // of an output, in Reals
    part_terms: u32, // of a task; the last part may have fewer
    divisor: f32, // of a mean
    axes: array<vec4<u32>, 6>, // The last axis first: extent and input stride of a kept axis (KEPT count), then of a reduced one, in Reals.
}
@group(0) @binding(0) var<uniform> uniform_params: Params;
var<private> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
fn load_input(i: u32) -> f32 { return input[i]; }
@group(0) @binding(2) var<storage, read> centres: array<f32>;
fn load_centres(i: u32) -> f32 { return centres[i]; }
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
fn store_output(i: u32, x: f32) { output[i] = x; }

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    params = uniform_params;
    if (workgroups.x == 0u) { params = Params(); }
    run(workgroup.y * workgroups.x + workgroup.x, lane);
}

// Where the terms of reductions lie, where they are not one row.
//
// Header: REDUCED (the number of axes that go, at least 1).

// Where a row of the last reduced axis begins.
fn row_source(first: u32, row: u32) -> u32 {
    var at = first;
    var rest = row;
    { const axis = 0u;
        if (axis > 0u) {
            at += rest % params.axes[axis].z * params.axes[axis].w;
            rest /= params.axes[axis].z;
        }
    }
    return at;
}
// Numbers one at a time, and NaN by its bits: WGSL lets a compiler assume that there is none, and `x != x` is false on some
// adapters.

alias Real = f32;
const INFINITY_BITS = 0x7f800000u;

fn is_nan(x: Real) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > INFINITY_BITS;
}
// A sum in blocks of BLOCK terms, whose sums are added up: rounding errors grow with what is added in a row.

const BLOCK = 32u;

struct BlockedSum {
    whole: Real,               // of the blocks that are full
    block: Real,
    terms: u32,                // so far
}

fn add_term(sum: ptr<function, BlockedSum>, term: Real) {
    (*sum).block += term;
    count_term(sum);
}

fn add_product(sum: ptr<function, BlockedSum>, x: Real, y: Real) {
    (*sum).block = fma(x, y, (*sum).block);
    count_term(sum);
}

fn count_term(sum: ptr<function, BlockedSum>) {
    (*sum).terms++;
    if ((*sum).terms % BLOCK == 0u) {
        (*sum).whole += (*sum).block;
        (*sum).block = Real(0.0);
    }
}

fn total_of(sum: BlockedSum) -> Real {
    return sum.whole + sum.block;
}
// Where the terms of reductions begin.
//
// Header: KEPT (the number of axes that stay, at least 1).

// Where an output's first term is.
fn first_source(output_index: u32) -> u32 {
    var first = 0u;
    var rest = output_index;
    { const axis = 0u;
        var coordinate = rest;
        if (axis + 1u < KEPT) {
            coordinate = rest % params.axes[axis].x;
            rest /= params.axes[axis].x;
        }
        first += coordinate * params.axes[axis].y;
    }
    return first;
}
// What a lane of reduce*.wgsl reads at a time: one number.

alias Bits = u32;

fn sum_across(x: Real) -> f32 {
    return x;
}

fn largest_across(x: Real) -> f32 {
    return x;
}

fn largest_bits(x: Bits) -> u32 {
    return x;
}
// What reductions have in common: their terms, and which terms a task has. A task is one output, or, where a
// sum is long, a part of one: other tasks have its other parts, and another dispatch puts them together.
//
// Header: REDUCTION, TERM, and that of shared/kept_axes.wgsl.
//
// input: of Reals
// centres: [outputs], unless TERM has none
// output: [parts, the kept axes], row-major

const SUM = 0u;
const MEAN = 1u;
const MAX = 2u;

const PLAIN = 0u;
const EXPONENTIAL = 1u;      // exp(x - centre)
const SQUARE = 2u;           // (x - centre)^2
const PLAIN_SQUARE = 3u;     // x^2

fn centre_of(output_index: u32) -> f32 {
    if (TERM == PLAIN || TERM == PLAIN_SQUARE) {
        return 0.0;
    }
    return load_centres(output_index);
}

fn term_of(x: Real, centre: f32) -> Real {
    if (TERM == EXPONENTIAL) {
        return exp(max(x - Real(centre), Real(-200.0)));
    }
    if (TERM == SQUARE) {
        let distance = x - Real(centre);
        return distance * distance;
    }
    if (TERM == PLAIN_SQUARE) {
        return x * x;
    }
    return x;
}

// The larger of two, and NaN if one is: `max` may drop it.
fn larger(a: f32, b: f32) -> f32 {
    let bits = max(bitcast<u32>(a) & 0x7fffffffu, bitcast<u32>(b) & 0x7fffffffu);
    return bitcast<f32>(select(bitcast<u32>(max(a, b)), bits, bits > INFINITY_BITS));
}

fn store_result(task: u32, result: f32) {
    if (REDUCTION == MEAN) {
        store_output(task, result / params.divisor);
    } else {
        store_output(task, result);
    }
}
// Sum, mean or maximum along some axes.
//
// An invocation has a task (shared/reduction.wgsl): lanes run along the outputs.
// Header: LANES, and those of shared/reduced_axes.wgsl and shared/reduction.wgsl.

fn run(workgroup: u32, lane: u32) {
    let task = workgroup * LANES + lane;
    if (task >= params.tasks) {
        return;
    }
    let output_index = task % params.outputs;
    let first = first_source(output_index);
    let centre = centre_of(output_index);
    let first_term = task / params.outputs * params.part_terms;
    let last_term = min(first_term + params.part_terms, params.terms);

    var row = first_term / params.axes[0].z;
    var column = first_term - row * params.axes[0].z;
    var at = row_source(first, row) + column * params.axes[0].w;
    var sum: BlockedSum;
    var largest = load_input(at);
    // The largest magnitude seen, as bits: past infinity's it is a NaN.
    var magnitude = 0u;
    for (var term = first_term; term < last_term; term++) {
        let value = term_of(load_input(at), centre);
        if (REDUCTION == MAX) {
            largest = max(largest, value);
            magnitude = max(magnitude, bitcast<u32>(value) & 0x7fffffffu);
        } else {
            add_term(&sum, value);
        }
        at += params.axes[0].w;
        if (REDUCED > 1u) {
            column++;
            if (column == params.axes[0].z) {
                column = 0u;
                row++;
                at = row_source(first, row);
            }
        }
    }
    if (REDUCTION == MAX) {
        store_result(task, bitcast<f32>(select(bitcast<u32>(largest), magnitude, magnitude > INFINITY_BITS)));
    } else {
        store_result(task, total_of(sum));
    }
}
