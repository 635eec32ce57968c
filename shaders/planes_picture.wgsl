// A picture of bytes from planes of numbers: scaled, shifted, rounded to a level, the even one of two, and held to 0 and 255. Or one of
// 16-bit floats: scaled and shifted.
//
// An invocation writes one word: one pixel, four of one byte, or half of one of floats. What lies past the end of a row is written too.
// Header: LANES, CHANNELS (the bytes of a pixel: 1, 4 or 8).
//
// planes: numbers, of which neighbours and rows lie apart as the parameters say
// output: bytes, `pitch` of them a row

fn number(place: u32, plane: u32) -> f32 {
    let x = load_planes(params.first + place * params.place_stride + plane * params.plane_stride);
    return fma(x, params.scale, params.shift);
}

fn level(place: u32, plane: u32) -> u32 {
    return u32(clamp(round(number(place, plane)), 0.0, 255.0));
}

fn half(place: u32, channel: u32) -> f32 {
    if (channel < params.planes) {
        return number(place, params.order[0][channel]);
    }
    return 1.0;
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.words) {
        return;
    }
    let words = params.pitch / 4u;
    let start = index / words * params.width;
    let last = params.width - 1u;
    if (CHANNELS == 8u) {
        let place = start + min(index % words / 2u, last);
        let channel = index % words % 2u * 2u;
        store_output(index, pack2x16float(vec2(half(place, channel), half(place, channel + 1u))));
        return;
    }
    let column = index % words * (4u / CHANNELS);
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
