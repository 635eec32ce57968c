//! A checksum that keeps up with memory. It finds accidents: whoever changes a file on purpose can make its checksum right again, and
//! what is read is checked as if that had been done.

/// What a checksum goes through at a time, and what everything in a file is a whole number of.
pub(super) const BLOCK: usize = 64;
const LANES: usize = BLOCK / size_of::<u64>();
/// Odd, so that a product with it loses nothing.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Of bytes that come in parts, of which all but the last are whole blocks. Each step is a bijection of what it takes in and of what was
/// before: one changed word always gives another sum, and other changes do so but for one in 2^64.
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    lanes: [u64; LANES],
    bytes: u64,
}

impl Checksum {
    pub(super) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|lane| (lane as u64 + 1).wrapping_mul(FACTOR)),
            bytes: 0,
        }
    }

    /// Of these bytes alone.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        let mut sum = Self::new();
        sum.add(bytes);
        sum.finish()
    }

    /// Takes in what follows; past the end of a last block that is not whole stand zeros.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            self.block(block);
        }
        if !rest.is_empty() {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            self.block(&last);
        }
        self.bytes += bytes.len() as u64;
    }

    fn block(&mut self, block: &[u8; BLOCK]) {
        let (words, _) = block.as_chunks::<{ size_of::<u64>() }>();
        for (lane, word) in self.lanes.iter_mut().zip(words) {
            *lane = mixed(*lane, u64::from_le_bytes(*word));
        }
    }

    pub(super) fn finish(self) -> u64 {
        self.lanes.into_iter().fold(self.bytes, mixed)
    }
}

fn mixed(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(FACTOR).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_changes_the_sum_and_parts_do_not() {
        let bytes: Vec<u8> = (0..300_u32).map(|index| (index * 37 % 251) as u8).collect();
        let sum = Checksum::of(&bytes);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                assert_ne!(Checksum::of(&changed), sum, "bit {bit} of byte {place}");
            }
        }
        for cut in (0..bytes.len()).step_by(BLOCK) {
            let mut parts = Checksum::new();
            parts.add(&bytes[..cut]);
            parts.add(&bytes[cut..]);
            assert_eq!(parts.finish(), sum, "cut at {cut}");
        }
        assert_ne!(Checksum::of(&[&bytes[..], &[0]].concat()), sum, "a zero more");
        assert_ne!(Checksum::of(&[1, 2]), Checksum::of(&[2, 1]));
    }
}
