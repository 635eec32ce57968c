// Lanes load neighbouring terms of one position: what lies together in the input of a linear layer. In workgroup memory these
// are a row apart, and so in the same banks; each row is turned by its number, which spreads eight of them over all banks.

fn input_place(lane: u32) -> u32 {
    return lane_term(lane) * (TILE_POSITIONS / 4u) + swizzled(lane_quad(lane), lane_term(lane));
}

// The term of the slice that a lane loads, and which four positions.
fn lane_term(lane: u32) -> u32 {
    return lane % SLICE;
}

fn lane_quad(lane: u32) -> u32 {
    return lane / SLICE;
}

fn swizzled(quad: u32, k: u32) -> u32 {
    return quad ^ (k & 7u);
}
