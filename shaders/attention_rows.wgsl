// Scaled dot-product attention: some keys after others, with a running maximum and sum for each query.
//
// An invocation keeps ROWS queries, LANES apart, and what it has summed of the values for each. Keys and values are the same for all
// invocations of a workgroup (shared/keys_*.wgsl).
// Header: LANES, ROWS, KEYS (that are weighted by one maximum), QUADS and VALUE_QUADS (of four elements of a query and of a value),
// LAST_QUAD and LAST_VALUE_QUAD (those less 1), HAS_MASK, AXES, and those of shared/keys_*.wgsl.
//
// query: [matrices, queries, QUADS]
// key: [matrices, keys, QUADS]
// value: [matrices, keys, VALUE_QUADS]
// mask: added to the scores, at any strides
// output: [matrices, queries, VALUE_QUADS]
#import shared/attention
#import shared/keys_*

fn run(workgroup: u32, lane: u32) {
    let matrix = workgroup / params.query_blocks;
    if (matrix >= params.matrices) {
        return;
    }
    let mask_matrix = first_of_mask(matrix);
    // Queries past the end compute along with the last one and store nothing.
    let first_query = workgroup % params.query_blocks * LANES * ROWS + lane;
    var query_at: array<u32, ROWS>;
    var mask_at: array<u32, ROWS>;
    for (var row = 0u; row < ROWS; row++) { // unroll
        let place = min(first_query + row * LANES, params.queries - 1u);
        query_at[row] = (matrix * params.queries + place) * QUADS;
        mask_at[row] = mask_matrix + place * params.mask_row_stride;
    }
    // A quad of each query a round, the others moved up: loads are dear to compile, so their code stands once.
    var queries: array<array<vec4<f32>, QUADS>, ROWS>;
    for (var quad = 0u; quad < QUADS; quad++) {
        for (var row = 0u; row < ROWS; row++) { // unroll
            for (var i = 0u; i < LAST_QUAD; i++) { // unroll
                queries[row][i] = queries[row][i + 1u];
            }
            queries[row][LAST_QUAD] = load_query(query_at[row] + quad) * params.scale;
        }
    }

    var largest: array<f32, ROWS>;
    var magnitude: array<u32, ROWS>;
    var sum: array<f32, ROWS>;
    for (var row = 0u; row < ROWS; row++) { // unroll
        largest[row] = LOWEST;
    }
    var outputs: array<array<vec4<f32>, VALUE_QUADS>, ROWS>;
    for (var first = 0u; first < params.keys; first += KEYS) {
        var weights: array<array<f32, KEYS>, ROWS>;
        for (var i = 0u; i < KEYS; i++) { // unroll
            let place = min(first + i, params.keys - 1u);
            let key = key_of((matrix * params.keys + place) * QUADS, lane);
            for (var row = 0u; row < ROWS; row++) { // unroll
                var products = queries[row][0] * key[0];
                for (var quad = 0u; quad < LAST_QUAD; quad++) { // unroll
                    products = fma(queries[row][quad + 1u], key[quad + 1u], products);
                }
                weights[row][i] = (products.x + products.y) + (products.z + products.w);
                if (HAS_MASK == 1u) {
                    weights[row][i] += load_mask(mask_at[row] + place * params.mask_key_stride);
                }
            }
        }
        for (var row = 0u; row < ROWS; row++) { // unroll
            let before = largest[row];
            for (var i = 0u; i < KEYS; i++) { // unroll
                largest[row] = max(largest[row], weights[row][i]);
                magnitude[row] = max(magnitude[row], magnitude_of(weights[row][i]));
            }
            let factor = weight(before, largest[row]);
            sum[row] *= factor;
            for (var i = 0u; i < KEYS; i++) { // unroll
                weights[row][i] = select(0.0, weight(weights[row][i], largest[row]), first + i < params.keys);
                sum[row] += weights[row][i];
            }
            for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
                outputs[row][quad] *= factor;
            }
        }
        for (var i = 0u; i < KEYS; i++) { // unroll
            let place = min(first + i, params.keys - 1u);
            let value = value_of((matrix * params.keys + place) * VALUE_QUADS, lane, first + i < params.keys);
            for (var row = 0u; row < ROWS; row++) { // unroll
                for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
                    outputs[row][quad] = fma(vec4(weights[row][i]), value[quad], outputs[row][quad]);
                }
            }
        }
    }

    for (var quad = 0u; quad < VALUE_QUADS; quad++) {
        for (var row = 0u; row < ROWS; row++) { // unroll
            let place = first_query + row * LANES;
            if (place < params.queries) {
                let mean = outputs[row][0] / sum[row];
                let poison = vec4(bitcast<f32>(INFINITY_BITS | (params.queries | 1u)));
                store_output((matrix * params.queries + place) * VALUE_QUADS + quad, select(mean, poison, is_undefined(sum[row], magnitude[row])));
            }
            for (var i = 0u; i < LAST_VALUE_QUAD; i++) { // unroll
                outputs[row][i] = outputs[row][i + 1u];
            }
        }
    }
}
