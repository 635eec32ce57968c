// A tensor with some elements replaced by updates, each of which stands beside the index of its place along an axis. Of several updates
// of one element the last one counts; one whose index is out of range goes nowhere.
//
// An invocation copies one element as bits: the last update along its line that names it, or else the data's. The other tensor is the
// indices, beside which the updates lie.
// Header: LANES, AXES.
#import shared/lines

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    let line = line_of(index);
    if (line.exists) {
        for (var left = params.indices; left > 0u; left--) {
            let update = line.first + (left - 1u) * params.stride;
            if (place_of(load_indices(update)) == line.place) {
                store_output(index, load_updates(update));
                return;
            }
        }
    }
    store_output(index, load_data(index));
}
