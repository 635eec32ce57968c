// One step of a plain recurrent layer: h = activate(x + s).
//
// An invocation computes one element of the state.
// Header: LANES.
//
// projected: [steps, batch, hidden]: the input's share
// product: [batch, hidden]: the state's
// output: [steps, batch, hidden]: the state after each step
// next: [batch, hidden]: the same of this step

fn run(workgroup: u32, lane: u32) {
    let place = workgroup * LANES + lane;
    if (place >= params.elements) {
        return;
    }
    let at = params.step * params.elements + place;
    let state = activate(load_projected(at) + load_product(place), 0.0, 0.0);
    store_output(at, state);
    store_next(place, state);
}
