// The taps of one window along one axis: first, first + step, ..., before end.

struct Taps {
    first: u32,
    end: u32,
    step: u32,
}

fn tap_count(taps: Taps) -> u32 {
    return (max(taps.end, taps.first) - taps.first + taps.step - 1u) / taps.step;
}

// Row and column of a tap of a window of `across` columns, which are counted row by row.
fn tap_place(rows: Taps, columns: Taps, across: u32, tap: u32) -> vec2<u32> {
    let row = tap / across;
    return vec2(rows.first + row * rows.step, columns.first + (tap - row * across) * columns.step);
}

fn window_taps(index: u32, extent: u32, kernel: u32, stride: u32, dilation: u32, pad: u32) -> Taps {
    let start = i32(index * stride) - i32(pad);
    let end = start + i32((kernel - 1u) * dilation) + 1;
    // From the first tap that is not before the input, in steps of the dilation.
    let skipped = (u32(max(-start, 0)) + dilation - 1u) / dilation;
    return Taps(u32(start + i32(skipped * dilation)), u32(max(min(end, i32(extent)), 0)), dilation);
}
