// A product by tiles in workgroup memory, for adapters where a workgroup's loads are shared: real GPUs.
//
// A workgroup computes TILE_CHANNELS output channels at TILE_POSITIONS positions, counted over the whole batch. A slice is
// SLICE of the terms of each sum. While one slice is multiplied, each lane loads its four weights and four inputs of the
// next; they go to the other half of the workgroup memory, so that one barrier a slice is enough: whoever passes it
// knows that all are done with the half that is written next.
//
// An invocation computes CHANNELS x POSITIONS outputs, in vectors of four that lie DOWN * 4 channels or ACROSS * 4
// positions apart, so that neighbouring lanes read neighbouring vectors.
// The terms may be split over workgroups; each part then goes to an output of its own, and sum_splits.wgsl adds them.
//
// Header: LANES, TILE_CHANNELS, TILE_POSITIONS, SLICE, CHANNELS and POSITIONS (4 or 8), CHANNEL_QUADS and POSITION_QUADS (a
// quarter of these), LATER_CHANNELS (CHANNELS - 4), REALS (POSITIONS / WIDTH), CHANNELS_TOGETHER, and those of
// shared/epilogue.wgsl. LANES is SLICE * TILE_POSITIONS / 4, and at least SLICE * TILE_CHANNELS / 4.
// Needs from the kernel: Source, first_source, load and input_place.
//
// packed: [groups, channel tiles, slices, SLICE, TILE_CHANNELS]
#import shared/epilogue
#import shared/width_*

const DOWN = TILE_CHANNELS / CHANNELS;
const ACROSS = TILE_POSITIONS / POSITIONS;
const WEIGHT_TILE = SLICE * TILE_CHANNELS / 4u;
const INPUT_TILE = SLICE * TILE_POSITIONS / 4u;

var<workgroup> weight_tiles: array<vec4<f32>, 2u * WEIGHT_TILE>;          // [2, SLICE, TILE_CHANNELS]
var<workgroup> input_tiles: array<vec4<f32>, 2u * INPUT_TILE>;            // [2, SLICE, TILE_POSITIONS], see input_place

fn run(workgroup: u32, lane: u32) {
    // A folded dispatch may overshoot, by whole workgroups: barriers stay uniform.
    if (workgroup >= params.workgroups) {
        return;
    }
    // Neighbouring workgroups read the same inputs with other weights.
    let channel_tile = workgroup % params.channel_tiles;
    let block = workgroup / params.channel_tiles;
    let first_position = block % params.position_tiles * TILE_POSITIONS;
    let group = block / params.position_tiles % params.groups;
    let split = block / (params.position_tiles * params.groups);
    let first_slice = split * params.split_slices;
    let last_slice = min(first_slice + params.split_slices, params.slices);

    var weight_at = ((group * params.channel_tiles + channel_tile) * params.slices + first_slice) * WEIGHT_TILE + lane;
    var source = first_source(group, first_position, first_slice * SLICE, lane);
    var weight = vec4(0.0);
    if (lane < WEIGHT_TILE) {
        weight = load_packed(weight_at);
    }
    var value = load(&source);
    let place = input_place(lane);

    // Lanes run along what lies together in the output.
    let down = select(lane / ACROSS, lane % DOWN, CHANNELS_TOGETHER == 1u);
    let across = select(lane % ACROSS, lane / DOWN, CHANNELS_TOGETHER == 1u);
    var sums: array<array<vec4<f32>, POSITION_QUADS>, CHANNELS>;
    var half = 0u;
    for (var slice = first_slice; slice < last_slice; slice++) {
        if (lane < WEIGHT_TILE) {
            weight_tiles[half * WEIGHT_TILE + lane] = weight;
        }
        input_tiles[half * INPUT_TILE + place] = value;
        workgroupBarrier();
        if (slice + 1u < last_slice) {
            weight_at += WEIGHT_TILE;
            if (lane < WEIGHT_TILE) {
                weight = load_packed(weight_at);
            }
            value = load(&source);
        }
        // Four terms stand in a row, so that the guard of the loop costs little.
        for (var first = 0u; first < SLICE; first += 4u) {
            for (var term = 0u; term < 4u; term++) { // unroll
                let k = first + term;
                var values: array<vec4<f32>, POSITION_QUADS>;
                for (var i = 0u; i < POSITION_QUADS; i++) { // unroll
                    values[i] = input_tiles[half * INPUT_TILE + k * (TILE_POSITIONS / 4u) + swizzled(i * ACROSS + across, k)];
                }
                for (var quad = 0u; quad < CHANNEL_QUADS; quad++) { // unroll
                    let weights = weight_tiles[half * WEIGHT_TILE + k * (TILE_CHANNELS / 4u) + quad * DOWN + down];
                    for (var j = 0u; j < 4u; j++) { // unroll
                        for (var i = 0u; i < POSITION_QUADS; i++) { // unroll
                            sums[quad * 4u + j][i] = fma(vec4(weights[j]), values[i], sums[quad * 4u + j][i]);
                        }
                    }
                }
            }
        }
        half = 1u - half;
    }

    // Where each Real goes in the first channel. What stands past the end is not stored.
    var stores: array<bool, REALS>;
    var target_at: array<u32, REALS>;
    for (var i = 0u; i < REALS; i++) { // unroll
        const position_quad = i * WIDTH / 4u;
        let position = first_position + (position_quad * ACROSS + across) * 4u + i * WIDTH % 4u;
        stores[i] = position < params.all_positions;
        let batch = position / params.positions;
        let first_target = (batch * params.groups + group) * params.out_channels * params.positions;
        target_at[i] = split * params.outputs + (first_target + (position - batch * params.positions) * params.out_position_stride) / WIDTH;
    }
    // Four channels a round, the next four moved up after it: stores are dear to compile, so their code stands once.
    for (var quad = 0u; quad < CHANNEL_QUADS; quad++) {
        let first_channel = channel_tile * TILE_CHANNELS + (quad * DOWN + down) * 4u;
        for (var j = 0u; j < 4u; j++) { // unroll
            if (first_channel + j < params.out_channels) {
                let offset = channel_offset(group * params.out_channels + first_channel + j);
                let channel_at = (first_channel + j) * params.out_channel_stride;
                for (var i = 0u; i < REALS; i++) { // unroll
                    if (stores[i]) {
                        const position_quad = i * WIDTH / 4u;
                        store(target_at[i] + channel_at, real_of(sums[j][position_quad], i * WIDTH % 4u), offset);
                    }
                }
            }
        }
        for (var channel = 0u; channel < LATER_CHANNELS; channel++) { // unroll
            sums[channel] = sums[channel + 4u];
        }
    }
}
