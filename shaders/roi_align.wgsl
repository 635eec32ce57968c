// Regions of images, each pooled to one size: the average of samples of each part, or the largest of what they are sums of.
//
// An invocation computes one output.
// Header: LANES, ALIGNED, IS_MAX.
//
// input: [batch, channels, H, W]
// regions: [regions, 5]: image, left, top, right, bottom
// output: [regions, channels, OH, OW]
#import shared/reals_single

// Parts of a region along one axis.
struct Parts {
    start: f32,
    part: f32,
    samples: u32,
    is_known: bool,
}

// Corners 2^24 elements away are nowhere, and NaN is farther.
fn is_somewhere(corner: f32) -> bool {
    return (bitcast<u32>(corner) & 0x7fffffffu) < 0x4b800000u;
}

fn parts_of(first: f32, last: f32, parts: u32, most: u32) -> Parts {
    let shift = select(0.0, 0.5, ALIGNED == 1u);
    let start = first * params.spatial_scale - shift;
    let end = last * params.spatial_scale - shift;
    if (!is_somewhere(start) || !is_somewhere(end)) {
        return Parts(0.0, 0.0, 0u, false);
    }
    var length = end - start;
    if (ALIGNED == 0u) {
        length = max(length, 1.0);
    }
    let part = length / f32(parts);
    var samples = params.samples;
    if (samples == 0u) {
        // Division is not exact: a product says which whole number is the one above.
        samples = u32(max(ceil(part), 0.0));
        if (samples > 0u && f32(samples - 1u) * f32(parts) >= length) {
            samples--;
        }
        if (f32(samples) * f32(parts) < length) {
            samples++;
        }
    }
    return Parts(start, part, samples, samples <= most);
}

// Two elements along one axis, and the weight of the second.
struct Between {
    first: u32,
    second: u32,
    weight: f32,
    is_inside: bool,
}

fn between(parts: Parts, index: u32, sample: u32, extent: u32) -> Between {
    let place = parts.start + f32(index) * parts.part + (f32(sample) + 0.5) * parts.part / f32(parts.samples);
    let within = clamp(place, 0.0, f32(extent - 1u));
    let first = u32(within);
    return Between(first, min(first + 1u, extent - 1u), within - f32(first), place >= -1.0 && place <= f32(extent));
}

struct Best {
    value: f32,
    is_set: bool,
}

fn take(best: ptr<function, Best>, value: f32) {
    if (!(*best).is_set || is_nan(value) || (!is_nan((*best).value) && value > (*best).value)) {
        *best = Best(value, true);
    }
}

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.outputs) {
        return;
    }
    let out_x = index % params.out_width;
    let row = index / params.out_width;
    let out_y = row % params.out_height;
    let plane = row / params.out_height;
    let region = plane / params.channels * 5u;
    let image = u32(clamp(load_regions(region), 0.0, f32(params.batch - 1u)));
    let first = (image * params.channels + plane % params.channels) * params.in_height * params.in_width;
    let across = parts_of(load_regions(region + 1u), load_regions(region + 3u), params.out_width, params.most_columns);
    let down = parts_of(load_regions(region + 2u), load_regions(region + 4u), params.out_height, params.most_rows);
    if (!across.is_known || !down.is_known) {
        store_output(index, params.nowhere);
        return;
    }
    var sum = 0.0;
    var best = Best(0.0, false);
    for (var j = 0u; j < down.samples; j++) {
        let rows = between(down, out_y, j, params.in_height);
        let upper = first + rows.first * params.in_width;
        let lower = first + rows.second * params.in_width;
        for (var i = 0u; i < across.samples; i++) {
            let columns = between(across, out_x, i, params.in_width);
            if (!rows.is_inside || !columns.is_inside) {
                if (IS_MAX == 1u) {
                    take(&best, 0.0);
                }
                continue;
            }
            let top_left = (1.0 - rows.weight) * (1.0 - columns.weight) * load_input(upper + columns.first);
            let top_right = (1.0 - rows.weight) * columns.weight * load_input(upper + columns.second);
            let bottom_left = rows.weight * (1.0 - columns.weight) * load_input(lower + columns.first);
            let bottom_right = rows.weight * columns.weight * load_input(lower + columns.second);
            if (IS_MAX == 1u) {
                take(&best, top_left);
                take(&best, top_right);
                take(&best, bottom_left);
                take(&best, bottom_right);
            } else {
                sum += top_left + top_right + bottom_left + bottom_right;
            }
        }
    }
    if (IS_MAX == 1u) {
        store_output(index, best.value);
    } else {
        store_output(index, sum / max(f32(down.samples) * f32(across.samples), 1.0));
    }
}
