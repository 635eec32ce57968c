// A copy between places that lie any strides apart on either side: slices, permuted axes, broadcasts, parts of a whole.
//
// An invocation copies ITEMS items, LANES apart, as bits. An item is one element or four; extents, offsets and
// strides count items.
// Header: LANES, ITEMS, AXES (at least 1).

fn run(workgroup: u32, lane: u32) {
    let first = workgroup * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        let index = first + item * LANES;
        if (index < params.items) {
            var input_index = params.input_offset;
            var output_index = params.output_offset;
            var rest = index;
            for (var axis = 0u; axis < AXES; axis++) { // unroll
                var coordinate = rest;
                if (axis + 1u < AXES) {
                    coordinate = rest % params.axes[axis].x;
                    rest /= params.axes[axis].x;
                }
                input_index += coordinate * params.axes[axis].y;
                output_index += coordinate * params.axes[axis].z;
            }
            store_output(output_index, load_input(input_index));
        }
    }
}
