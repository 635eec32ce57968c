// Elements along an axis, each by the index that stands at its place in the output. An index that is out of range stands for the first
// element or the last.
//
// An invocation copies one element as bits. The other tensor is the data.
// Header: LANES, AXES.
#import shared/lines

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    let place = u32(clamp(place_of(load_indices(index)), 0, params.extent - 1));
    store_output(index, load_data(line_of(index).first + place * params.stride));
}
