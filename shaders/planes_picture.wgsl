// A picture of bytes from planes of numbers: scaled, shifted, rounded to a level, the even one of two, and held to 0 and 255.
//
// An invocation writes one word: one pixel, or four of one byte. What lies past the end of a row is written too.
// Header: LANES, CHANNELS (the bytes of a pixel: 1 or 4).
//
// planes: numbers, of which neighbours and rows lie apart as the parameters say
// output: bytes, `pitch` of them a row

fn level(place: u32, plane: u32) -> u32 {
    let x = load_planes(params.first + place * params.place_stride + plane * params.plane_stride);
    return u32(clamp(round(fma(x, params.scale, params.shift)), 0.0, 255.0));
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.words) {
        return;
    }
    let words = params.pitch / 4u;
    let start = index / words * params.width;
    let column = index % words * (4u / CHANNELS);
    let last = params.width - 1u;
    var levels = vec4<u32>(255u);
    for (var byte = 0u; byte < 4u; byte++) {
        if (CHANNELS == 1u) {
            levels[byte] = level(start + min(column + byte, last), params.order[0][0]);
        } else if (byte < params.planes) {
            levels[byte] = level(start + min(column, last), params.order[0][byte]);
        }
    }
    store_output(index, levels.x | (levels.y << 8u) | (levels.z << 16u) | (levels.w << 24u));
}
