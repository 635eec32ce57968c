// Planes of numbers from a picture: its columns at another height, in whole levels as its rows are, each level looked up in a table
// of what it becomes in each plane; around it one level everywhere.
//
// An invocation computes one place of all planes.
// Header: LANES.
//
// pixels: [rows, width], the channels of a pixel in a word
// starts: [height + 1] where the weights of each pixel start
// firsts: [height] the first of its neighbours
// weights: those of each pixel's neighbours
// levels: [planes, 256] what a level becomes
// output: planes, of which neighbours and rows lie apart as the parameters say

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.places) {
        return;
    }
    let row = index / params.out_width - params.top;
    let column = index % params.out_width - params.left;
    var levels = vec4<u32>(params.around);
    // What lies before the picture is past its end, in numbers without a sign.
    if (row < params.height && column < params.width) {
        let start = load_starts(row);
        let end = load_starts(row + 1u);
        let first = load_firsts(row);
        var sum = vec4<i32>(1 << 21u);
        for (var tap = start; tap < end; tap++) {
            let word = load_pixels((first + tap - start) * params.width + column);
            sum += bitcast<i32>(load_weights(tap)) * vec4<i32>((vec4(word) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u));
        }
        levels = vec4<u32>(clamp(sum >> vec4(22u), vec4(0), vec4(255)));
    }
    for (var plane = 0u; plane < params.planes; plane++) {
        let level = levels[params.order[0][plane]];
        store_output(params.first + index * params.place_stride + plane * params.plane_stride, load_levels(plane * 256u + level));
    }
}
