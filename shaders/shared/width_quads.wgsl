// A Real is four consecutive positions: planes that are whole vectors.
#import shared/reals_*

const WIDTH = 4u;

fn real_of(four: vec4<f32>, i: u32) -> Real {
    return four;
}
