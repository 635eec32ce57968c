// One step of GRU: h = (1 - z) * n + z * h. Gates stand in the order z, r, n; r is applied to the state's share of n.
//
// An invocation computes one element of the state.
// Header: LANES.
//
// projected: [steps, batch, 3, hidden]: the input's share of the gates
// product: [batch, 3, hidden]: the state's
// state: [batch, hidden], before the step
// output: [steps, batch, hidden]: the state after each step
// next: [batch, hidden]: the same of this step
#import shared/gates

fn run(workgroup: u32, lane: u32) {
    let place = workgroup * LANES + lane;
    if (place >= params.elements) {
        return;
    }
    let hidden = params.hidden;
    let at = place / hidden * 3u * hidden + place % hidden;
    let own = params.step * params.elements * 3u + at;
    let update = opened(load_projected(own) + load_product(at));
    let reset = opened(load_projected(own + hidden) + load_product(at + hidden));
    let fresh = squashed(load_projected(own + 2u * hidden) + reset * load_product(at + 2u * hidden));
    let state = (1.0 - update) * fresh + update * load_state(place);
    store_output(params.step * params.elements + place, state);
    store_next(place, state);
}
