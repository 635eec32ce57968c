// Vectors of four positions where planes of the input are padded to whole ones and those of the output are not: numbers are
// stored one at a time, and those past the plane's end not at all. A Real is one number.

alias Vector = vec4<f32>;

fn store_vector(row: u32, position: u32, sums: Vector, offset: f32) {
    for (var i = 0u; i < 4u; i++) { // unroll
        let at = position * 4u + i;
        if (at < params.out_channel_stride) {
            store(row + at, sums[i], offset);
        }
    }
}
