// A function of the elements of three tensors, with broadcasting.
//
// An invocation computes one element.
// Header: LANES, SAME_SHAPE, AXES, `combine`.

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.elements) {
        return;
    }
    var places = vec3(index);
    if (SAME_SHAPE == 0u) {
        places = vec3(0u);
        var rest = index;
        for (var axis = 0u; axis < AXES; axis++) { // unroll
            let coordinate = rest % params.axes[axis].x;
            rest /= params.axes[axis].x;
            places += coordinate * params.axes[axis].yzw;
        }
    }
    store_output(index, combine(load_first(places.x), load_second(places.y), load_third(places.z)));
}
