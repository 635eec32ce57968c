// Adds the parts of a product whose terms were split over workgroups, in their order, then bias, residual and activation.
// Header: LANES, and those of shared/epilogue.wgsl.
//
// parts: [splits, outputs]
// bias: [channels]
// residual: as the output
#import shared/epilogue

fn run(workgroup: u32, lane: u32) {
    let at = workgroup * LANES + lane;
    if (at >= params.outputs) {
        return;
    }
    var sum = 0.0;
    for (var split = 0u; split < params.splits; split++) {
        sum += load_parts(split * params.outputs + at);
    }
    store(at, sum, channel_offset(at / params.channel_stride % params.channels));
}
