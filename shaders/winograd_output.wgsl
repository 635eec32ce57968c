// The output of a 3x3 convolution from Winograd's products: TILE x TILE outputs A^T m A of the products m of each tile
// (`tile_outputs` multiplies by A^T); then bias, residual and activation.
//
// What an output depends on may be pixels of its own window alone, but by way of sums that may overflow, or be NaN where
// infinities meet. So what is not finite is summed again by the definition: that is rare, or the answer is not finite either.
//
// An invocation does four tiles of one output channel.
// Header: LANES, TILE, PATCH, OUTPUTS (TILE * TILE), MOVED (OUTPUTS - 1), PADDING_MODE, and those of shared/epilogue.wgsl.
//
// products: [N, PATCH * PATCH, out_channels, quads], a quad each
// weight: [out_channels, in_channels, 3, 3]
// bias: [out_channels]
// residual: as the output
// input: [N, in_channels, H, W]
// output: [N, out_channels, OH, OW]
#import shared/epilogue
#import shared/padding
#import shared/winograd_*

fn not_finite(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4(0x7fffffffu)) >= vec4(INFINITY_BITS);
}

// The first row and column that a tile of a quad writes, counted from the quad's own.
fn tile_place(tile: u32) -> vec2<u32> {
    let above = tile >> params.quad_shift;
    return TILE * vec2(above, tile - (above << params.quad_shift));
}

// One output by the definition.
fn direct(batch: u32, channel: u32, out_y: u32, out_x: u32) -> f32 {
    var sum = 0.0;
    for (var tap = 0u; tap < 9u; tap++) {
        let y = source_index(i32(out_y + tap / 3u) - i32(params.pad_top), i32(params.in_height));
        let x = source_index(i32(out_x + tap % 3u) - i32(params.pad_left), i32(params.in_width));
        let source = u32(max(y, 0)) * params.in_width + u32(max(x, 0));
        // Sums of 32 channels are added up: rounding errors grow with what is added in a row.
        var block = 0.0;
        // Four channels a round: there are many outputs, and adapters that end loops after so many rounds.
        for (var first = 0u; first < params.in_channels; first += 4u) {
            for (var i = 0u; i < 4u; i++) { // unroll
                let in_channel = min(first + i, params.in_channels - 1u);
                let plane = (batch * params.in_channels + in_channel) * params.in_height * params.in_width;
                let value = select(0.0, load_input(plane + source), x >= 0 && y >= 0);
                let more = fma(value, load_weight((channel * params.in_channels + in_channel) * 9u + tap), block);
                block = select(block, more, first + i < params.in_channels);
            }
            if (first % 32u == 28u) {
                sum += block;
                block = 0.0;
            }
        }
        sum += block;
    }
    return sum;
}

fn run(workgroup: u32, lane: u32) {
    let invocation = workgroup * LANES + lane;
    if (invocation >= params.invocations) {
        return;
    }
    let quad = invocation % params.quads;
    let plane = invocation / params.quads;
    let channel = plane % params.out_channels;
    let batch = plane / params.out_channels;
    let first_y = (params.rows_above + quad / params.columns) * ((4u * TILE) >> params.quad_shift);
    let first_x = quad % params.columns * (TILE << params.quad_shift);

    // Each column of products is summed as it is loaded; an array element is a quad's numbers at one place of its tiles.
    var rows: array<array<vec4<f32>, PATCH>, TILE>;
    let first_product = (batch * PATCH * PATCH * params.out_channels + channel) * params.quads + quad;
    let step = params.out_channels * params.quads;
    for (var x = 0u; x < PATCH; x++) { // unroll
        var column: array<vec4<f32>, PATCH>;
        for (var y = 0u; y < PATCH; y++) { // unroll
            column[y] = load_products(first_product + (y * PATCH + x) * step);
        }
        let column_sums = tile_outputs(column);
        for (var y = 0u; y < TILE; y++) { // unroll
            rows[y][x] = column_sums[y];
        }
    }
    var sums: array<vec4<f32>, OUTPUTS>;      // [TILE][TILE]
    var wrong_tiles = vec4(false);
    for (var y = 0u; y < TILE; y++) { // unroll
        let row_sums = tile_outputs(rows[y]);
        for (var x = 0u; x < TILE; x++) { // unroll
            sums[y * TILE + x] = row_sums[x];
            wrong_tiles |= not_finite(row_sums[x]);
        }
    }

    if (any(wrong_tiles)) {
        // The code of it stands once: places are compared, since arrays are indexed by constants only.
        for (var place = 0u; place < 4u * OUTPUTS; place++) {
            let here = vec4(place % 4u) == vec4(0u, 1u, 2u, 3u);
            var is_here: array<vec4<bool>, OUTPUTS>;
            var wrong = vec4(false);
            for (var i = 0u; i < OUTPUTS; i++) { // unroll
                is_here[i] = here & vec4(place / 4u == i);
                wrong |= is_here[i] & not_finite(sums[i]);
            }
            let tile = tile_place(place % 4u);
            let out_y = first_y + tile.x + place / (4u * TILE);
            let out_x = first_x + tile.y + place / 4u % TILE;
            if (any(wrong) && out_y < params.out_height && out_x < params.out_width) {
                let right = direct(batch, channel, out_y, out_x);
                for (var i = 0u; i < OUTPUTS; i++) { // unroll
                    sums[i] = select(sums[i], vec4(right), is_here[i]);
                }
            }
        }
    }

    // Four stores a round, the next four moved up after it: stores are dear to compile, so their code stands once.
    let offset = channel_offset(channel);
    let first_target = plane * params.out_height * params.out_width;
    for (var round = 0u; round < OUTPUTS; round++) {
        for (var j = 0u; j < 4u; j++) { // unroll
            let tile = tile_place(j);
            let out_y = first_y + tile.x + round / TILE;
            let out_x = first_x + tile.y + round % TILE;
            if (out_y < params.out_height && out_x < params.out_width) {
                store(first_target + out_y * params.out_width + out_x, sums[0][j], offset);
            }
        }
        for (var i = 0u; i < MOVED; i++) { // unroll
            sums[i] = sums[i + 1u];
        }
    }
}
