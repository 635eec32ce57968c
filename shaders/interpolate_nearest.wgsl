// Resizing of each plane to nearest elements, which the host has found.
//
// An invocation copies one element.
// Header: LANES.
//
// input: [planes, H, W]
// sources: [OH] source rows, then [OW] source columns
// output: [planes, OH, OW]

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let row = load_sources(index / params.out_width % params.out_height);
    let column = load_sources(params.out_height + index % params.out_width);
    let plane = index / (params.out_width * params.out_height);
    store_output(index, load_input((plane * params.in_height + row) * params.in_width + column));
}
