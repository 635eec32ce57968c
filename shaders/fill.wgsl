// The same number everywhere.
//
// An invocation writes one element.
// Header: LANES.

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index < params.elements) {
        store_output(index, bitcast<f32>(params.bits));
    }
}
