// One step of LSTM: c = f * c + i * g, h = o * tanh(c). Gates stand in the order i, o, f, g.
//
// An invocation computes one element of the state.
// Header: LANES.
//
// projected: [steps, batch, 4, hidden]: the input's share of the gates
// product: [batch, 4, hidden]: the state's
// cell: [batch, hidden], before the step
// output: [steps, batch, hidden]: the state after each step
// state: [batch, hidden]: the same of this step
// next_cell: [batch, hidden]
#import shared/gates

fn run(workgroup: u32, lane: u32) {
    let place = workgroup * LANES + lane;
    if (place >= params.elements) {
        return;
    }
    let hidden = params.hidden;
    let at = place / hidden * 4u * hidden + place % hidden;
    let own = params.step * params.elements * 4u + at;
    let input = load_projected(own) + load_product(at);
    let exposed = load_projected(own + hidden) + load_product(at + hidden);
    let forget = load_projected(own + 2u * hidden) + load_product(at + 2u * hidden);
    let fresh = load_projected(own + 3u * hidden) + load_product(at + 3u * hidden);
    let cell = opened(forget) * load_cell(place) + opened(input) * squashed(fresh);
    let state = opened(exposed) * squashed(cell);
    store_output(params.step * params.elements + place, state);
    store_state(place, state);
    store_next_cell(place, cell);
}
