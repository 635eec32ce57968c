// A Real is one position: planes that are no whole vectors.
#import shared/reals_*

const WIDTH = 1u;

fn real_of(four: vec4<f32>, i: u32) -> Real {
    return four[i];
}
