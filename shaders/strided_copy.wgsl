// A copy between places that lie any strides apart on either side: slices, permuted axes, broadcasts, parts of a whole.
//
// An invocation copies ITEMS items, LANES apart, as bits. An item is one element or four (shared/items_*.wgsl); extents,
// offsets and strides count items.
// Header: LANES, ITEMS, AXES (at least 1), MOST_AXES.
struct Params {
    items: u32,
    input_offset: u32,
    output_offset: u32,
    // The first AXES count, the last axis first: extent, input stride, output stride (both modulo 2^32), unused.
    axes: array<vec4<u32>, MOST_AXES>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Item>;
@group(0) @binding(2) var<storage, read_write> output: array<Item>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = workgroup_number(workgroup_id, workgroup_count) * LANES * ITEMS + lane;
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
            output[output_index] = input[input_index];
        }
    }
}
