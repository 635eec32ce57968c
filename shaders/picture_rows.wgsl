// The rows of a picture at another width, in whole levels: each is a sum of neighbours with weights of 22 bits, rounded once.
//
// An invocation computes one pixel.
// Header: LANES, and those of the pixel.
//
// pixels: bytes, `pitch` of them a row
// starts: [width + 1] where the weights of each pixel start
// firsts: [width] the first of its neighbours
// weights: those of each pixel's neighbours
// output: [rows, width], the channels of a pixel in a word
#import shared/picture_pixel

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let column = index % params.width;
    let row = params.top + index / params.width;
    let start = load_starts(column);
    let end = load_starts(column + 1u);
    let first = load_firsts(column);
    var sum = vec4<i32>(1 << 21u);
    for (var tap = start; tap < end; tap++) {
        sum += bitcast<i32>(load_weights(tap)) * pixel(row, first + tap - start);
    }
    store_output(index, packed(sum));
}
