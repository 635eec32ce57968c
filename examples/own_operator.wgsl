fn near(at: u32, step: u32, extent: u32) -> u32 {
    return min(max(at + step, 1u) - 1u, extent - 1u);
}

// One invocation for each pixel.
fn run(workgroup: u32, lane: u32) {
    let i = workgroup * LANES + lane;
    if (i >= params.elements) {
        return;
    }
    let x = i % params.width;
    let y = i / params.width % params.height;
    let plane = i - y * params.width - x;
    var pixels: array<f32, 9>;
    for (var tap = 0u; tap < 9u; tap++) {
        let pixel = load_image(plane + near(y, tap / 3u, params.height) * params.width + near(x, tap % 3u, params.width));
        // Those that are larger move up.
        var place = tap;
        for (; place > 0u && pixels[max(place, 1u) - 1u] > pixel; place--) {
            pixels[place] = pixels[place - 1u];
        }
        pixels[place] = pixel;
    }
    store_median(i, pixels[4]);
}
