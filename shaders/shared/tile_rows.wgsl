// Lanes load neighbouring positions of one term: what lies together in the input. Lane by lane the tile fills in its order.

fn input_place(lane: u32) -> u32 {
    return lane;
}

// The term of the slice that a lane loads, and which four positions.
fn lane_term(lane: u32) -> u32 {
    return lane / (TILE_POSITIONS / 4u);
}

fn lane_quad(lane: u32) -> u32 {
    return lane % (TILE_POSITIONS / 4u);
}

fn swizzled(quad: u32, k: u32) -> u32 {
    return quad;
}
