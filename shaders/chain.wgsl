// Functions of elements one after another, four elements an invocation.
// Header: LANES, ALIKE (whether the four have the same place along the axis), THIRD_ALONG, FOURTH_ALONG and FIFTH_ALONG (whether these
// have an element for each place along the axis), `element`.
//
// first, second: as the output
// third, fourth, fifth: [1], or one for each place along the axis

fn run(workgroup: u32, lane: u32) {
    let quad = workgroup * LANES + lane;
    if (quad >= params.quads) {
        return;
    }
    let first = load_first(quad);
    let second = load_second(quad);
    if (ALIKE == 1u) {
        let place = quad * 4u / params.inner % params.extent;
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
        let places = (vec4(quad * 4u) + vec4(0u, 1u, 2u, 3u)) / params.inner % params.extent;
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
