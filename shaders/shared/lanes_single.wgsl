// What the lanes of a workgroup have together, through workgroup memory.
//
// Every lane must call these, and has what they give. Header: LANES, a power of two.

var<workgroup> partial: array<f32, LANES>;
var<workgroup> largest_partial: array<u32, LANES>;

// The sum of every lane's number.
fn sum_of_lanes(own: f32, lane: u32) -> f32 {
    partial[lane] = own;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
        workgroupBarrier();
    }
    let total = partial[0];
    // Nobody writes the next numbers before everybody has read this one.
    workgroupBarrier();
    return total;
}

// The largest of every lane's number, none of which is NaN.
fn largest_of_lanes(own: f32, lane: u32) -> f32 {
    partial[lane] = own;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            partial[lane] = max(partial[lane], partial[lane + half]);
        }
        workgroupBarrier();
    }
    let largest = partial[0];
    workgroupBarrier();
    return largest;
}

// The same of bits.
fn largest_bits_of_lanes(own: u32, lane: u32) -> u32 {
    largest_partial[lane] = own;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            largest_partial[lane] = max(largest_partial[lane], largest_partial[lane + half]);
        }
        workgroupBarrier();
    }
    let largest = largest_partial[0];
    workgroupBarrier();
    return largest;
}
