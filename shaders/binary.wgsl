// A function of the elements of two tensors, with broadcasting.
//
// An invocation computes one element.
// Header: LANES, SAME_SHAPE, AXES, `combine`.

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    var left_index = index;
    var right_index = index;
    if (SAME_SHAPE == 0u) {
        left_index = 0u;
        right_index = 0u;
        var rest = index;
        for (var axis = 0u; axis < AXES; axis++) { // unroll
            let coordinate = rest % params.axes[axis].x;
            rest /= params.axes[axis].x;
            left_index += coordinate * params.axes[axis].y;
            right_index += coordinate * params.axes[axis].z;
        }
    }
    store_output(index, combine(load_left(left_index), load_right(right_index)));
}
