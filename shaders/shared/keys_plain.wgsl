// A key, or its value, loaded by every invocation.
// Header: QUADS, VALUE_QUADS, ROOM and VALUE_ROOM (the same).

fn key_of(first: u32, lane: u32) -> array<vec4<f32>, ROOM> {
    var key: array<vec4<f32>, ROOM>;
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
        key[quad] = load_key(first + quad);
    }
    return key;
}

// Zeros where it is not there: what a weight of 0 is multiplied with must not be infinite.
fn value_of(first: u32, lane: u32, is_there: bool) -> array<vec4<f32>, VALUE_ROOM> {
    var value: array<vec4<f32>, VALUE_ROOM>;
    for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
        value[quad] = select(vec4(0.0), load_value(first + quad), is_there);
    }
    return value;
}
