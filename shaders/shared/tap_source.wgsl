// The input coordinate that an output of a convolution reads at a tap, along one axis.
// Header: TRANSPOSED, and that of shared/padding.wgsl.
#import shared/padding

// -1 for none.
fn tap_source(out: u32, tap: u32, stride: u32, dilation: u32, pad: u32, extent: u32) -> i32 {
    if (TRANSPOSED == 0u) {
        return source_index(i32(out * stride + tap * dilation) - i32(pad), i32(extent));
    }
    // The input element that wrote here from `tap`, if its window starts at a multiple of the stride.
    let start = i32(out + pad) - i32(tap * dilation);
    let source = u32(max(start, 0)) / stride;
    return select(-1, i32(source), start >= 0 && source * stride == u32(start) && source < extent);
}
