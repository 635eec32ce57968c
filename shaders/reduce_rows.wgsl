// Sum, mean or maximum along rows whose elements lie together.
//
// A workgroup has a task (shared/reduction.wgsl): its lanes run along the row, a Real at a time, and a tree puts together what
// they have.
// Header: LANES (a power of two), and those of shared/reduction.wgsl.
#import shared/reduction

var<workgroup> partial: array<f32, LANES>;

fn run(workgroup: u32, lane: u32) {
    let task = workgroup;
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (task >= params.tasks) {
        return;
    }
    let output_index = task % params.outputs;
    let first = first_source(output_index);
    let centre = centre_of(output_index);
    let first_term = task / params.outputs * params.part_terms;
    let last_term = min(first_term + params.part_terms, params.terms);

    var sum: BlockedSum;
    var largest = load_input(first + first_term);
    // The largest magnitude seen, as bits: past infinity's it is a NaN.
    var magnitude = Bits(0u);
    for (var term = first_term + lane; term < last_term; term += LANES) {
        let value = term_of(load_input(first + term), centre);
        if (REDUCTION == MAX) {
            largest = max(largest, value);
            magnitude = max(magnitude, bitcast<Bits>(value) & Bits(0x7fffffffu));
        } else {
            add_term(&sum, value);
        }
    }
    if (REDUCTION == MAX) {
        let bits = largest_bits(magnitude);
        partial[lane] = bitcast<f32>(select(bitcast<u32>(largest_across(largest)), bits, bits > INFINITY_BITS));
    } else {
        partial[lane] = sum_across(total_of(sum));
    }
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            if (REDUCTION == MAX) {
                partial[lane] = larger(partial[lane], partial[lane + half]);
            } else {
                partial[lane] += partial[lane + half];
            }
        }
    }
    if (lane == 0u) {
        store_result(task, partial[0]);
    }
}
