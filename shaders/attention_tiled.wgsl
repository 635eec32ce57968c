// Scaled dot-product attention by tiles in workgroup memory, for adapters where a workgroup's loads are shared: real GPUs.
//
// A workgroup has TILE queries, and goes through the keys TILE at a time with a running maximum and sum for each query. An invocation
// computes the scores of four queries and four keys, and the outputs of the same queries in VALUE_QUADS vectors of four elements,
// ACROSS vectors apart. Queries and keys come in slices along their size, values in slices of keys.
// Header: LANES, ACROSS (whose square LANES is), SLICE (a multiple of ACROSS), VALUE_QUADS, HAS_MASK, AXES.
//
// query: [matrices, queries, size]
// key: [matrices, keys, size]
// value: [matrices, keys, value_size]
// mask: added to the scores, at any strides
// output: [matrices, queries, value_size]
#import shared/attention

const TILE = 4u * ACROSS;
const VALUE_SLICE = 8u;
const VALUE_QUADS_ACROSS = VALUE_QUADS * ACROSS;

var<workgroup> query_slice: array<vec4<f32>, SLICE * ACROSS>;                      // [SLICE, TILE]
var<workgroup> key_slice: array<vec4<f32>, SLICE * ACROSS>;                        // [SLICE, TILE]
var<workgroup> value_slice: array<vec4<f32>, VALUE_SLICE * VALUE_QUADS_ACROSS>;    // [VALUE_SLICE, elements]
var<workgroup> weights: array<vec4<f32>, TILE * ACROSS>;                           // [keys, queries]
var<workgroup> partial: array<vec4<f32>, LANES>;                                   // [ACROSS, queries]
var<workgroup> partial_magnitudes: array<vec4<u32>, LANES>;

fn run(workgroup: u32, lane: u32) {
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    let matrix = workgroup / params.query_blocks;
    if (matrix >= params.matrices) {
        return;
    }
    let first_query = workgroup % params.query_blocks * TILE;
    let down = lane / ACROSS;
    let across = lane % ACROSS;
    let mask_matrix = first_of_mask(matrix);

    var largest = vec4(LOWEST);
    var sum = vec4(0.0);
    var magnitude = vec4(0u);
    var outputs: array<array<vec4<f32>, VALUE_QUADS>, 4>;
    for (var first_key = 0u; first_key < params.keys; first_key += TILE) {
        // Of each own key, those of four queries.
        var scores: array<vec4<f32>, 4>;
        for (var first = 0u; first < params.size; first += SLICE) {
            for (var i = 0u; i < SLICE / ACROSS; i++) {
                let place = i * LANES + lane;
                load_slices(matrix, first_query + place / SLICE * 4u, first_key + place / SLICE * 4u, first, place);
            }
            workgroupBarrier();
            for (var term = 0u; term < SLICE; term += 4u) {
                for (var i = 0u; i < 4u; i++) { // unroll
                    let own_queries = query_slice[(term + i) * ACROSS + down];
                    let own_keys = key_slice[(term + i) * ACROSS + across];
                    for (var j = 0u; j < 4u; j++) { // unroll
                        scores[j] = fma(own_queries, vec4(own_keys[j]), scores[j]);
                    }
                }
            }
            workgroupBarrier();
        }

        let before = largest;
        for (var j = 0u; j < 4u; j++) { // unroll
            let key = first_key + across * 4u + j;
            if (HAS_MASK == 1u) {
                scores[j] += mask_of(mask_matrix, first_query + down * 4u, min(key, params.keys - 1u));
            }
            if (key < params.keys) {
                largest = max(largest, scores[j]);
                for (var i = 0u; i < 4u; i++) { // unroll
                    magnitude[i] = max(magnitude[i], magnitude_of(scores[j][i]));
                }
            }
        }
        partial[across * ACROSS + down] = largest;
        workgroupBarrier();
        for (var i = 0u; i < ACROSS; i++) { // unroll
            largest = max(largest, partial[i * ACROSS + down]);
        }
        var factor: vec4<f32>;
        for (var i = 0u; i < 4u; i++) { // unroll
            factor[i] = weight(before[i], largest[i]);
        }
        sum *= factor;
        for (var j = 0u; j < 4u; j++) { // unroll
            var own = vec4(0.0);
            if (first_key + across * 4u + j < params.keys) {
                for (var i = 0u; i < 4u; i++) { // unroll
                    own[i] = weight(scores[j][i], largest[i]);
                }
            }
            weights[(across * 4u + j) * ACROSS + down] = own;
            sum += own;
        }
        for (var i = 0u; i < 4u; i++) { // unroll
            for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
                outputs[i][quad] *= factor[i];
            }
        }

        for (var first = 0u; first < TILE; first += VALUE_SLICE) {
            for (var i = 0u; i < VALUE_QUADS; i++) { // unroll
                let place = i * LANES + lane;
                value_slice[place] = value_quad(matrix, first_key + first + place / VALUE_QUADS_ACROSS, place % VALUE_QUADS_ACROSS * 4u);
            }
            workgroupBarrier();
            for (var key = 0u; key < VALUE_SLICE; key++) {
                let own = weights[(first + key) * ACROSS + down];
                for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
                    let value = value_slice[key * VALUE_QUADS_ACROSS + quad * ACROSS + across];
                    for (var i = 0u; i < 4u; i++) { // unroll
                        outputs[i][quad] = fma(vec4(own[i]), value, outputs[i][quad]);
                    }
                }
            }
            workgroupBarrier();
        }
    }

    partial[across * ACROSS + down] = sum;
    partial_magnitudes[across * ACROSS + down] = magnitude;
    workgroupBarrier();
    sum = vec4(0.0);
    for (var i = 0u; i < ACROSS; i++) { // unroll
        sum += partial[i * ACROSS + down];
        magnitude = max(magnitude, partial_magnitudes[i * ACROSS + down]);
    }
    // A query a round, the next moved up: stores are dear to compile, so their code stands once.
    for (var i = 0u; i < 4u; i++) {
        let query = first_query + down * 4u + i;
        if (query < params.queries) {
            let is_nan = is_undefined(sum.x, magnitude.x);
            for (var quad = 0u; quad < VALUE_QUADS; quad++) { // unroll
                store_quad(matrix * params.queries + query, (quad * ACROSS + across) * 4u, outputs[0][quad] / sum.x, is_nan);
            }
        }
        sum = sum.yzww;
        magnitude = magnitude.yzww;
        for (var row = 0u; row < 3u; row++) { // unroll
            outputs[row] = outputs[row + 1u];
        }
    }
}

// Four queries and four keys from these on, at one element of their size: past the last the last, past its size 0.
fn load_slices(matrix: u32, query: u32, key: u32, first: u32, place: u32) {
    let term = place % SLICE;
    let element = min(first + term, params.size - 1u);
    let is_there = first + term < params.size;
    var queries: vec4<f32>;
    var keys: vec4<f32>;
    for (var i = 0u; i < 4u; i++) { // unroll
        let query_row = matrix * params.queries + min(query + i, params.queries - 1u);
        let key_row = matrix * params.keys + min(key + i, params.keys - 1u);
        queries[i] = select(0.0, load_query(query_row * params.size + element) * params.scale, is_there);
        keys[i] = select(0.0, load_key(key_row * params.size + element), is_there);
    }
    query_slice[term * ACROSS + place / SLICE] = queries;
    key_slice[term * ACROSS + place / SLICE] = keys;
}

// Of four queries from this one on.
fn mask_of(mask_matrix: u32, query: u32, key: u32) -> vec4<f32> {
    var mask: vec4<f32>;
    for (var i = 0u; i < 4u; i++) { // unroll
        let row = min(query + i, params.queries - 1u);
        mask[i] = load_mask(mask_matrix + row * params.mask_row_stride + key * params.mask_key_stride);
    }
    return mask;
}

// Four elements of a value, zeros past the end: what a weight of 0 is multiplied with must not be infinite.
fn value_quad(matrix: u32, key: u32, first: u32) -> vec4<f32> {
    let row = (matrix * params.keys + min(key, params.keys - 1u)) * params.value_size;
    var value: vec4<f32>;
    for (var i = 0u; i < 4u; i++) { // unroll
        let element = load_value(row + min(first + i, params.value_size - 1u));
        value[i] = select(0.0, element, key < params.keys && first + i < params.value_size);
    }
    return value;
}

fn store_quad(row: u32, first: u32, mean: vec4<f32>, is_nan: bool) {
    let poison = bitcast<f32>(INFINITY_BITS | (params.queries | 1u));
    for (var i = 0u; i < 4u; i++) { // unroll
        if (first + i < params.value_size) {
            store_output(row * params.value_size + first + i, select(mean[i], poison, is_nan));
        }
    }
}
