// The weights of one input channel for every invocation, loaded by each of them.
//
// packed: [block][tap][in channel][CHANNELS] as f32, CHANNELS a multiple of 4.

fn spread(offset: u32, lane: u32) -> array<f32, CHANNELS> {
    var weights: array<f32, CHANNELS>;
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
        let four = load_packed(offset / 4u + quad);
        for (var i = 0u; i < 4u; i++) { // unroll
            weights[quad * 4u + i] = four[i];
        }
    }
    return weights;
}
