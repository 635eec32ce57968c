// A function of one element over all elements, four an invocation.
// Header: LANES, `activate`.

fn run(workgroup: u32, lane: u32) {
    let quad = workgroup * LANES + lane;
    if (quad >= params.quads) {
        return;
    }
    let x = load_input(quad);
    store_output(quad, vec4(
        activate(x.x, params.first, params.second),
        activate(x.y, params.first, params.second),
        activate(x.z, params.first, params.second),
        activate(x.w, params.first, params.second),
    ));
}
