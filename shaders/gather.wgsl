// Parts of a tensor along an axis, which indices name; negative ones count from the end. An index that is out of range stands for the
// first part or the last.
//
// An invocation copies one item as bits: an element, or four of a part. `inner` counts items.
// Header: LANES.

fn run(workgroup: u32, lane: u32) {
    let item = workgroup * LANES + lane;
    if (item >= params.items) {
        return;
    }
    let part = item / params.inner;
    let index = load_indices(part % params.indices);
    let from_start = select(index, index + params.extent, index < 0);
    let place = u32(clamp(from_start, 0, params.extent - 1));
    let whole = part / params.indices;
    store_output(item, load_data((whole * u32(params.extent) + place) * params.inner + item % params.inner));
}
