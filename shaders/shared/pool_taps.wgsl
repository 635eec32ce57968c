// What pooling over windows of any size has along each axis.
// Header: ADAPTIVE. Needs count_include_pad among the kernel's parameters.
#import shared/window_taps

fn adaptive_taps(index: u32, in_extent: u32, out_extent: u32) -> Taps {
    let first = index * in_extent / out_extent;
    let end = ((index + 1u) * in_extent + out_extent - 1u) / out_extent;
    return Taps(first, end, 1u);
}

// What the average's divisor counts along one axis: the taps, or, where padding counts, the window clipped to the padded input.
fn counted(taps: Taps, index: u32, padded: u32, kernel: u32, stride: u32, dilation: u32) -> u32 {
    if (ADAPTIVE == 1u || params.count_include_pad == 0u) {
        return taps.end - taps.first;
    }
    return min(index * stride + (kernel - 1u) * dilation + 1u, padded) - index * stride;
}
