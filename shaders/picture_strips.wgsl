// As picture_rows, where rows become shorter: each pixel is loaded once for all sums that it is in.
//
// An invocation goes along a strip of a row, and holds the sums of OPEN neighbours in the output. Each lane has a row of its own, so
// that all take the same weights: a lane loads those of one pixel in eight, and the subgroup hands them round.
// The workgroup is 8 wide and lies in one subgroup.
// Header: LANES (8), OPEN (the most sums that a pixel is in), STRIP (output pixels of a strip), and those of the pixel.
//
// pixels: bytes, `pitch` of them a row
// edges: [strips, 2] the first pixel that a strip reads, and the one after the last
// firsts: [length] the first output pixel whose sum each pixel is in
// shares: [OPEN, length] its weight in that and those after it
// output: [rows, width], the channels of a pixel in a word, without alpha
#import shared/picture_pixel

fn run(workgroup: u32, lane: u32) {
    let strips = (params.width + STRIP - 1u) / STRIP;
    let strip = workgroup % strips;
    let row = workgroup / strips * LANES + lane;
    let source = params.top + min(row, params.rows - 1u);
    let start = strip * STRIP;
    // What a lane without a row stores is nothing.
    let last = select(start, min(start + STRIP, params.width), row < params.rows);
    let begin = load_edges(2u * strip);
    let end = load_edges(2u * strip + 1u);
    // Sums of the strip before may be open where this one begins.
    var column = load_firsts(begin);
    var sums: array<vec3<i32>, OPEN>;
    for (var open = 0u; open < OPEN; open++) { // unroll
        sums[open] = vec3<i32>(1 << 21u);
    }
    // As many steps in every strip, so that whoever reads this sees that all lanes take them.
    for (var step = 0u; step < params.steps; step++) {
        let x = begin + step * LANES;
        let own = min(x + lane, params.length - 1u);
        let own_first = load_firsts(own);
        var own_shares: array<i32, OPEN>;
        for (var open = 0u; open < OPEN; open++) { // unroll
            own_shares[open] = bitcast<i32>(load_shares(open * params.length + own));
        }
        for (var i = 0u; i < 8u; i++) { // unroll
            let first = subgroupBroadcast(own_first, i);
            var shares: array<i32, OPEN>;
            for (var open = 0u; open < OPEN; open++) { // unroll
                shares[open] = subgroupBroadcast(own_shares[open], i);
            }
            for (; column < first; column++) {
                if (column >= start && column < last) {
                    store_output(row * params.width + column, packed(vec4(sums[0], 0)));
                }
                for (var open = 0u; open < OPEN; open++) { // unroll
                    if (open + 1u < OPEN) {
                        sums[open] = sums[min(open + 1u, OPEN - 1u)];
                    } else {
                        sums[open] = vec3<i32>(1 << 21u);
                    }
                }
            }
            if (x + i < end) {
                let levels = pixel(source, x + i).xyz;
                for (var open = 0u; open < OPEN; open++) { // unroll
                    sums[open] += shares[open] * levels;
                }
            }
        }
    }
    for (var open = 0u; open < OPEN; open++) { // unroll
        if (column + open >= start && column + open < last) {
            store_output(row * params.width + column + open, packed(vec4(sums[open], 0)));
        }
    }
}
