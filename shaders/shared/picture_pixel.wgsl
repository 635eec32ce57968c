// A pixel of a picture of bytes, `params.pitch` of them a row. Where pixels are words, the bytes of one are those of a pixel from the
// lowest on; else they are taken one by one.
// Header: CHANNELS (the bytes of a pixel), ALIGNED (pixels are words), GRAY (1 to weigh colours into one level first, as Pillow does
// for its mode L), BLUE_FIRST (whether the first of three colours is blue).

fn level(byte: u32) -> i32 {
    return i32((load_pixels(byte / 4u) >> (8u * (byte % 4u))) & 255u);
}

fn channels(row: u32, column: u32) -> vec4<i32> {
    let byte = row * params.pitch + column * CHANNELS;
    if (ALIGNED == 1u) {
        return vec4<i32>((vec4(load_pixels(byte / 4u)) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u));
    }
    var levels = vec4<i32>();
    levels.x = level(byte);
    if (CHANNELS > 1u) {
        levels.y = level(byte + 1u);
    }
    if (CHANNELS > 2u) {
        levels.z = level(byte + 2u);
    }
    if (CHANNELS > 3u) {
        levels.w = level(byte + 3u);
    }
    return levels;
}

fn pixel(row: u32, column: u32) -> vec4<i32> {
    let levels = channels(row, column);
    if (GRAY == 0u) {
        return levels;
    }
    let shares = select(vec3(19595, 38470, 7471), vec3(7471, 38470, 19595), BLUE_FIRST == 1u);
    return vec4<i32>((dot(levels.xyz, shares) + 32768) >> 16u);
}

// A sum of levels with weights of 22 bits and half a level, rounded, in a word.
fn packed(sum: vec4<i32>) -> u32 {
    let levels = vec4<u32>(clamp(sum >> vec4(22u), vec4(0), vec4(255)));
    return levels.x | (levels.y << 8u) | (levels.z << 16u) | (levels.w << 24u);
}
