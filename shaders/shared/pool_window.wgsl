// What pooling over windows of any size has in common: bindings, and the taps of a window.
// Header: that of shared/pool_taps.wgsl.
//
// input: [planes, H, W]
// output: [planes, OH, OW]
#import shared/pool_taps

// The index of an element of the input.
fn place(plane: u32, row: u32, column: u32) -> u32 {
    return plane * params.index_plane + row * params.index_row + column * params.index_column;
}

fn window_rows(out_y: u32) -> Taps {
    if (ADAPTIVE == 1u) {
        return adaptive_taps(out_y, params.in_height, params.out_height);
    }
    return window_taps(out_y, params.in_height, params.kernel_height, params.stride_height, params.dilation_height, params.pad_top);
}

fn window_columns(out_x: u32) -> Taps {
    if (ADAPTIVE == 1u) {
        return adaptive_taps(out_x, params.in_width, params.out_width);
    }
    return window_taps(out_x, params.in_width, params.kernel_width, params.stride_width, params.dilation_width, params.pad_left);
}

// A window's sum over what it counts.
fn mean_of(sum: f32, rows: Taps, columns: Taps, out_y: u32, out_x: u32) -> f32 {
    let counted_rows = counted(rows, out_y, params.padded_height, params.kernel_height, params.stride_height, params.dilation_height);
    let counted_columns = counted(columns, out_x, params.padded_width, params.kernel_width, params.stride_width, params.dilation_width);
    var divisor = f32(counted_rows * counted_columns);
    if (params.divisor_override != 0.0) {
        divisor = params.divisor_override;
    }
    return sum / divisor;
}
