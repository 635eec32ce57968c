// Eight consecutive packed weights for every invocation, loaded by each of them.
// packed: [block][tap][in channel][CHANNELS] as f32, CHANNELS a multiple of 8.
@group(0) @binding(2) var<storage, read> packed: array<vec4<f32>>;

fn spread(offset: u32, lane: u32) -> array<f32, 8> {
    let low = packed[offset / 4u];
    let high = packed[offset / 4u + 1u];
    return array<f32, 8>(low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w);
}
