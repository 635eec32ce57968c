// Normalisation of rows whose statistics are known.
//
// A workgroup has a chunk of LANES * ITEMS Reals of one row.
// Header: LANES, ITEMS, CENTRED, HAS_BIAS.
//
// input: [rows, extent], of Reals
// weight: [extent]
// bias: [extent]
// means: [rows]; where nothing is centred, the squares stand in
// squares: [rows], the means of the squared distances
// output: [rows, extent]
#import shared/layer_norm

fn run(workgroup: u32, lane: u32) {
    let row = workgroup / params.chunks;
    if (row >= params.rows) {
        return;
    }
    let mean = select(0.0, load_means(row), CENTRED == 1u);
    let square = load_squares(row);
    var element = workgroup % params.chunks * LANES * ITEMS + lane;
    for (var item = 0u; item < ITEMS; item++) { // unroll
        if (element < params.extent) {
            let distance = load_input(row * params.extent + element) - Real(mean);
            store_normalised(row, element, distance, mean, square);
        }
        element += LANES;
    }
}
