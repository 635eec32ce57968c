//! Seeded test data, the same on every machine.

use ndarray::{ArrayD, IxDyn};

/// `SplitMix64`: a small, well-mixed generator. The same seed gives the same data everywhere.
///
/// ```
/// use convoke::testing::Random;
/// let data = Random::new(1).integers(&[2, 3]);
/// assert_eq!(data, Random::new(1).integers(&[2, 3]));
/// assert!(data.iter().all(|x| x.fract() == 0.0 && x.abs() <= 8.0));
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// Whole numbers from -8 to 8. Sums of a few thousand of their products are exact in `f32`, in any order.
    pub fn integers(&mut self, shape: &[usize]) -> ArrayD<f32> {
        ArrayD::from_shape_simple_fn(IxDyn(shape), || self.below(17) as f32 - 8.0)
    }

    /// Real numbers, roughly standard normal: the sum of twelve uniform numbers less 6. Adding is exact on every
    /// machine; a logarithm, as in Box and Muller's method, is not.
    pub fn reals(&mut self, shape: &[usize]) -> ArrayD<f32> {
        let mut uniform = {
            let this = self;
            move || (this.next_u64() >> 40) as f64 / f64::from(1 << 24)
        };
        ArrayD::from_shape_simple_fn(IxDyn(shape), || ((0..12).map(|_| uniform()).sum::<f64>() - 6.0) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of Sebastiano Vigna's `splitmix64.c` for the seed 1234567.
    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn integers_take_all_seventeen_values() {
        let mut values: Vec<i32> = Random::new(3).integers(&[1000]).iter().map(|&x| x as i32).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values, (-8..=8).collect::<Vec<_>>());
    }

    #[test]
    fn reals_have_mean_0_and_variance_1() {
        let data = Random::new(3).reals(&[100, 100]).mapv(f64::from);
        let (mean, variance) = (data.sum() / 1e4, data.mapv(|x| x * x).sum() / 1e4);
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean}, {variance}");
    }
}
