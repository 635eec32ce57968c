// A picture of bytes, red, green, blue and 255 in a word, from pixels that are stored otherwise: four 16-bit floats each, of which 0
// becomes level 0 and 1 level 255, or planes of luma and of chroma for every two by two pixels.
//
// An invocation computes one pixel.
// Header: LANES, PLANES (1 of floats; 2 where chroma lies side by side in one, 3 where it has two).
//
// pixels: the bytes, rows of floats or luma `pitch` bytes apart, those of chroma `chroma_pitch`
// output: words without anything between rows

fn byte(place: u32) -> i32 {
    return i32((load_pixels(place / 4u) >> (8u * (place % 4u))) & 255u);
}

fn from_floats(row: u32, column: u32) -> vec3<u32> {
    let word = (row * params.pitch + column * 8u) / 4u;
    let color = vec3(unpack2x16float(load_pixels(word)), unpack2x16float(load_pixels(word + 1u)).x);
    return vec3<u32>(round(clamp(color, vec3(0.0), vec3(1.0)) * 255.0));
}

// In units of 2^-20, rounded once.
fn from_luma(row: u32, column: u32) -> vec3<u32> {
    let luma = byte(row * params.pitch + column) - params.black;
    let place = params.chroma + row / 2u * params.chroma_pitch;
    var blue = 0;
    var red = 0;
    if (PLANES == 2u) {
        blue = byte(place + column / 2u * 2u) - 128;
        red = byte(place + column / 2u * 2u + 1u) - 128;
    } else {
        blue = byte(place + column / 2u) - 128;
        red = byte(place - params.chroma + params.second + column / 2u) - 128;
    }
    let chroma = vec3(params.red_of_red * red, params.green_of_blue * blue + params.green_of_red * red, params.blue_of_blue * blue);
    let levels = (params.of_luma * luma + (1 << 19u) + chroma) >> vec3(20u);
    return vec3<u32>(clamp(levels, vec3(0), vec3(255)));
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.pixels) {
        return;
    }
    let row = index / params.width;
    let column = index % params.width;
    var levels = vec3<u32>();
    if (PLANES == 1u) {
        levels = from_floats(row, column);
    } else {
        levels = from_luma(row, column);
    }
    store_output(index, levels.x | (levels.y << 8u) | (levels.z << 16u) | (255u << 24u));
}
