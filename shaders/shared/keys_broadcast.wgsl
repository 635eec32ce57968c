// A key, or its value, for every invocation: each lane loads four elements, and the subgroup hands them round. One gather for all,
// where an adapter gathers even from uniform addresses (software adapters do).
// The workgroup is 8 wide and lies in one subgroup.
// Header: QUADS, VALUE_QUADS, PARTS and VALUE_PARTS (ceil(those / 8)), ROOM and VALUE_ROOM (8 times these).

fn key_of(first: u32, lane: u32) -> array<vec4<f32>, ROOM> {
    var key: array<vec4<f32>, ROOM>;
    for (var part = 0u; part < PARTS; part++) { // unroll
        let own = load_key(first + min(part * 8u + lane, QUADS - 1u));
        for (var i = 0u; i < 8u; i++) { // unroll
            key[part * 8u + i] = subgroupBroadcast(own, i);
        }
    }
    return key;
}

// Zeros where it is not there: what a weight of 0 is multiplied with must not be infinite.
fn value_of(first: u32, lane: u32, is_there: bool) -> array<vec4<f32>, VALUE_ROOM> {
    var value: array<vec4<f32>, VALUE_ROOM>;
    for (var part = 0u; part < VALUE_PARTS; part++) { // unroll
        let own = select(vec4(0.0), load_value(first + min(part * 8u + lane, VALUE_QUADS - 1u)), is_there);
        for (var i = 0u; i < 8u; i++) { // unroll
            value[part * 8u + i] = subgroupBroadcast(own, i);
        }
    }
    return value;
}
