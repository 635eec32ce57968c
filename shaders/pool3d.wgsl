// Maximum or average over windows of volumes, adaptive ones included, and maxima with their indices.
//
// An invocation computes one output.
// Header: LANES, IS_MAX, and that of shared/pool_taps.wgsl.
//
// input: [volumes, D, H, W]
// output: [volumes, OD, OH, OW]
#import shared/blocked_sum
#import shared/indices_*
#import shared/pool_taps

fn place(volume: u32, slice: u32, row: u32, column: u32) -> u32 {
    return volume * params.index_volume + slice * params.index_slice + row * params.index_row + column * params.index_column;
}

fn taps_of(index: u32, in_extent: u32, out_extent: u32, kernel: u32, stride: u32, dilation: u32, pad: u32) -> Taps {
    if (ADAPTIVE == 1u) {
        return adaptive_taps(index, in_extent, out_extent);
    }
    return window_taps(index, in_extent, kernel, stride, dilation, pad);
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let row = index / params.out_width;
    let out_y = row % params.out_height;
    let slice = row / params.out_height;
    let out_z = slice % params.out_depth;
    let volume = slice / params.out_depth;
    let slices = taps_of(out_z, params.in_depth, params.out_depth, params.kernel_depth, params.stride_depth, params.dilation_depth, params.pad_front);
    let rows = taps_of(out_y, params.in_height, params.out_height, params.kernel_height, params.stride_height, params.dilation_height, params.pad_top);
    let columns = taps_of(out_x, params.in_width, params.out_width, params.kernel_width, params.stride_width, params.dilation_width, params.pad_left);

    var best = bitcast<f32>(params.lowest);
    var best_index = place(volume, slices.first, rows.first, columns.first);
    var sum: BlockedSum;
    for (var z = slices.first; z < slices.end; z += slices.step) {
        for (var y = rows.first; y < rows.end; y += rows.step) {
            let first = ((volume * params.in_depth + z) * params.in_height + y) * params.in_width;
            for (var x = columns.first; x < columns.end; x += columns.step) {
                let value = load_input(first + x);
                if (IS_MAX == 1u) {
                    // The first of equals wins, the last NaN wins.
                    if (is_nan(value) || (!is_nan(best) && value > best)) {
                        best = value;
                        best_index = place(volume, z, y, x);
                    }
                } else {
                    add_term(&sum, value);
                }
            }
        }
    }
    if (IS_MAX == 1u) {
        store_output(index, best);
        store_index(index, best_index);
        return;
    }
    let counted_slices = counted(slices, out_z, params.padded_depth, params.kernel_depth, params.stride_depth, params.dilation_depth);
    let counted_rows = counted(rows, out_y, params.padded_height, params.kernel_height, params.stride_height, params.dilation_height);
    let counted_columns = counted(columns, out_x, params.padded_width, params.kernel_width, params.stride_width, params.dilation_width);
    var divisor = f32(counted_slices * counted_rows * counted_columns);
    if (params.divisor_override != 0.0) {
        divisor = params.divisor_override;
    }
    store_output(index, total_of(sum) / divisor);
}
