//! Buffers that hold one thing after another, for memory planning.

use std::collections::BTreeSet;

/// Buffers of some lengths, taken and given back.
#[derive(Debug, Default)]
pub(crate) struct Buffers<L> {
    lengths: Vec<L>,
    /// With their lengths, the shortest first.
    free: BTreeSet<(L, usize)>,
}

impl<L: Copy + Default + Ord> Buffers<L> {
    /// The shortest free buffer that is long enough, else the longest there is, made longer, else a new one.
    pub(crate) fn take(&mut self, length: L) -> usize {
        let fit = self.free.range((length, 0)..).next().or_else(|| self.free.last()).copied();
        let buffer = if let Some(fit) = fit {
            self.free.remove(&fit);
            fit.1
        } else {
            self.lengths.push(L::default());
            self.lengths.len() - 1
        };
        self.lengths[buffer] = self.lengths[buffer].max(length);
        buffer
    }

    /// Nobody needs any more what this buffer holds.
    pub(crate) fn give_back(&mut self, buffer: usize) {
        self.free.insert((self.lengths[buffer], buffer));
    }

    /// What each buffer must hold.
    pub(crate) fn into_lengths(self) -> Vec<L> {
        self.lengths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_that_is_long_enough_is_taken_again() {
        let mut buffers = Buffers::default();
        let [short, long, longest] = [2, 5, 9].map(|length| buffers.take(length));
        for buffer in [longest, short, long] {
            buffers.give_back(buffer);
        }
        assert_eq!(buffers.take(3), long);
        assert_eq!(buffers.take(20), longest);
        assert_eq!(buffers.take(1), short);
        assert_eq!(buffers.take(4), 3);
        assert_eq!(buffers.into_lengths(), [2, 5, 20, 4]);
    }
}
