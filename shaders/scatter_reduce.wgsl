// A tensor with updates added to its elements, or otherwise combined with them, each of which stands beside the index of its place along
// an axis. One whose index is out of range goes nowhere.
//
// An invocation computes one element, with the updates that name it in their order along its line. The other tensor is the indices,
// beside which the updates lie.
// Header: LANES, AXES, `combine`.
#import shared/lines

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    let line = line_of(index);
    var element = load_data(index);
    if (line.exists) {
        for (var number = 0u; number < params.indices; number++) {
            let update = line.first + number * params.stride;
            if (place_of(load_indices(update)) == line.place) {
                element = combine(element, load_updates(update));
            }
        }
    }
    store_output(index, element);
}
