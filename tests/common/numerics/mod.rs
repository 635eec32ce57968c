//! NaN, infinities, signed zeros and subnormal numbers: they go where the definition sends them and nowhere else. The cases
//! are those of every device.

mod elementwise;
mod rows;
mod windows;

use convoke::testing::Random;
use ndarray::ArrayD;

use crate::device::{Device, Outcome};
pub(crate) use windows::{conv2d, winograd};

const SPECIAL: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0];

/// A trial's name and what it does.
type Case = (&'static str, fn(&dyn Device) -> Outcome);

/// The trials of every operator but convolution, which a device may have several of.
pub(crate) const CASES: [Case; 21] = [
    ("numerics/max_pool2d", windows::max_pool2d),
    ("numerics/max_pool2d/minus_infinity", windows::minus_infinity),
    ("numerics/avg_pool2d", windows::avg_pool2d),
    ("numerics/lp_pool2d", windows::lp_pool2d),
    ("numerics/activation", elementwise::activation),
    ("numerics/prelu", elementwise::prelu),
    ("numerics/softmax", rows::softmax),
    ("numerics/attention", rows::attention),
    ("numerics/linear", rows::linear),
    ("numerics/matmul", rows::matmul),
    ("numerics/instance_norm", rows::instance_norm),
    ("numerics/layer_norm", rows::layer_norm),
    ("numerics/recurrent", rows::recurrent),
    ("numerics/local_response_norm", rows::local_response_norm),
    ("numerics/binary", elementwise::binary),
    ("numerics/binary/pairs", elementwise::pairs),
    ("numerics/activation/edges", elementwise::edges),
    ("numerics/copies", rows::copies),
    ("numerics/reduce", rows::reduce),
    ("numerics/reduce/of_none", rows::reduce_of_none),
    ("numerics/subnormals", elementwise::subnormals),
];

/// Whole numbers with about one special in `every`.
fn sprinkled(random: &mut Random, shape: &[usize], every: usize) -> ArrayD<f32> {
    let mut data = random.integers(shape);
    for x in &mut data {
        if random.below(every) == 0 {
            *x = SPECIAL[random.below(SPECIAL.len())];
        }
    }
    data
}
