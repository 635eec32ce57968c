//! Which intermediate results share a buffer. Plain data; no GPU here.

/// When an intermediate result exists: from the dispatch that first writes it to the last that uses it, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) bytes: u64,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Life {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The buffer of each result, and the size of each buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sharing {
    pub(crate) buffer: Vec<usize>,
    pub(crate) sizes: Vec<u64>,
}

/// Gives each result a buffer, none to two that exist at the same time.
///
/// The largest are placed first, each in the first buffer that is free during its life: so a buffer is never larger than
/// the first result in it, and small ones fill the gaps.
pub(crate) fn share(lives: &[Life]) -> Sharing {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lives[index].bytes), lives[index].first));
    let mut buffer = vec![0; lives.len()];
    let mut occupants: Vec<Vec<usize>> = Vec::new();
    let mut sizes = Vec::new();
    for index in order {
        let is_free = |others: &Vec<usize>| others.iter().all(|&other| !lives[index].overlaps(&lives[other]));
        let place = occupants.iter().position(is_free).unwrap_or_else(|| {
            occupants.push(Vec::new());
            sizes.push(lives[index].bytes);
            occupants.len() - 1
        });
        occupants[place].push(index);
        buffer[index] = place;
    }
    Sharing { buffer, sizes }
}

/// The most bytes that exist at the same time: no sharing can do with less.
pub(crate) fn lower_bound(lives: &[Life]) -> u64 {
    let at = |time: usize| {
        lives
            .iter()
            .filter(|life| (life.first..=life.last).contains(&time))
            .map(|life| life.bytes)
            .sum()
    };
    lives.iter().map(|life| at(life.first)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn life(bytes: u64, first: usize, last: usize) -> Life {
        Life { bytes, first, last }
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<Life> = (0..10).map(|i| life(100 - i as u64, i, i + 1)).collect();
        let sharing = share(&chain);
        assert_eq!(sharing.sizes, [100, 99]);
        assert_eq!(lower_bound(&chain), 199);
    }

    #[test]
    fn a_result_used_much_later_keeps_its_buffer() {
        let lives = [life(10, 0, 5), life(10, 1, 2), life(10, 2, 3), life(10, 3, 4)];
        let sharing = share(&lives);
        assert_eq!(sharing.sizes.len(), 3);
        assert!(sharing.buffer[1..].iter().all(|&buffer| buffer != sharing.buffer[0]));
    }

    #[test]
    fn no_two_at_the_same_time_share_and_all_fit() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let lives: Vec<Life> = (0..random.below(30))
                .map(|i| life(1 + random.below(1000) as u64, i, i + random.below(6)))
                .collect();
            let sharing = share(&lives);
            for (i, a) in lives.iter().enumerate() {
                assert!(sharing.sizes[sharing.buffer[i]] >= a.bytes);
                for (j, b) in lives.iter().enumerate().skip(i + 1) {
                    assert!(sharing.buffer[i] != sharing.buffer[j] || !a.overlaps(b), "{a:?} {b:?}");
                }
            }
            assert!(sharing.sizes.iter().sum::<u64>() >= lower_bound(&lives));
        }
    }
}
