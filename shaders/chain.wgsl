// Functions of elements one after another, four elements an invocation.
// Header: LANES, ALIKE (whether the four have the same place along the axis), FEW_ROWS (whether there are less than 2^20 neighbours of
// `inner` elements, and these are less than 2^30), THIRD_ALONG, FOURTH_ALONG and FIFTH_ALONG (whether these have an element for each place
// along the axis), `element`.
//
// first, second: as the output
// third, fourth, fifth: [1], or one for each place along the axis

// x / by, by floats where quotients are so small that these are off by one at most: software adapters divide whole numbers lane by lane.
fn quotient(x: u32, by: u32, inverse: f32) -> u32 {
    if (FEW_ROWS == 0u) {
        return x / by;
    }
    let near = u32(f32(x) * inverse);
    let rest = i32(x - near * by);
    return near + u32(rest >= i32(by)) - u32(rest < 0);
}

fn place_of(index: u32) -> u32 {
    let row = quotient(index, params.inner, params.inverse_inner);
    return row - quotient(row, params.extent, params.inverse_extent) * params.extent;
}

fn run(workgroup: u32, lane: u32) {
    let quad = workgroup * LANES + lane;
    if (quad >= params.quads) {
        return;
    }
    let first = load_first(quad);
    let second = load_second(quad);
    if (ALIKE == 1u) {
        let place = place_of(quad * 4u);
        let third = load_third(place * THIRD_ALONG);
        let fourth = load_fourth(place * FOURTH_ALONG);
        let fifth = load_fifth(place * FIFTH_ALONG);
        store_output(quad, vec4(
            element(first.x, second.x, third, fourth, fifth),
            element(first.y, second.y, third, fourth, fifth),
            element(first.z, second.z, third, fourth, fifth),
            element(first.w, second.w, third, fourth, fifth),
        ));
    } else {
        let index = quad * 4u;
        let places = vec4(place_of(index), place_of(index + 1u), place_of(index + 2u), place_of(index + 3u));
        let third = places * THIRD_ALONG;
        let fourth = places * FOURTH_ALONG;
        let fifth = places * FIFTH_ALONG;
        store_output(quad, vec4(
            element(first.x, second.x, load_third(third.x), load_fourth(fourth.x), load_fifth(fifth.x)),
            element(first.y, second.y, load_third(third.y), load_fourth(fourth.y), load_fifth(fifth.y)),
            element(first.z, second.z, load_third(third.z), load_fourth(fourth.z), load_fifth(fifth.z)),
            element(first.w, second.w, load_third(third.w), load_fourth(fourth.w), load_fifth(fifth.w)),
        ));
    }
}
