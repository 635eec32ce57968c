//! Which intermediate results share memory. Plain data; no GPU here.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::buffers::Buffers;
use crate::gpu::plan::concat_elision::Joining;
use crate::gpu::plan::recording::{Dispatch, Recording, SlotId};

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

/// Pairs of results that some dispatch reads and writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apart(HashSet<(usize, usize)>);

impl Apart {
    pub(crate) fn insert(&mut self, a: usize, b: usize) {
        self.0.insert((a.min(b), a.max(b)));
    }

    fn contains(&self, a: usize, b: usize) -> bool {
        self.0.contains(&(a.min(b), a.max(b)))
    }
}

/// The slots that only dispatches between a run's first and last need, with what sharing must know of them.
#[derive(Debug, Default)]
pub(crate) struct Temporaries {
    pub(crate) slots: Vec<SlotId>,
    pub(crate) lives: Vec<Life>,
    /// Better not in one buffer: the dispatch that uses both would need another kernel, one that may write its inputs.
    pub(crate) better_apart: Apart,
    /// Never in one buffer: the dispatch reads the same bytes twice, and bytes that may be written may be bound only once.
    pub(crate) apart: Apart,
}

impl Temporaries {
    pub(crate) fn of(recording: &Recording, joining: &Joining, every: &[&Dispatch]) -> Self {
        let mut temporaries = Self::default();
        let mut numbers: HashMap<SlotId, usize> = HashMap::new();
        for (time, dispatch) in every.iter().enumerate() {
            let mut number = |slot: &SlotId| {
                let root = joining.place(*slot).root;
                let slot = &recording.slots[root.0];
                if slot.buffer.is_some() || slot.constant || slot.exported {
                    return None;
                }
                let number = *numbers.entry(root).or_insert_with(|| {
                    temporaries.slots.push(root);
                    temporaries.lives.push(Life {
                        bytes: slot.bytes.next_multiple_of(16),
                        first: time,
                        last: time,
                    });
                    temporaries.lives.len() - 1
                });
                temporaries.lives[number].last = time;
                Some(number)
            };
            let inputs: Vec<usize> = dispatch.inputs.iter().filter_map(&mut number).collect();
            let outputs: Vec<usize> = dispatch.outputs.iter().filter_map(&mut number).collect();
            for (index, &output) in outputs.iter().enumerate() {
                for &other in &outputs[..index] {
                    temporaries.apart.insert(output, other);
                }
                for &input in &inputs {
                    let is_twice = inputs.iter().filter(|&&other| other == input).count() > 1;
                    let apart = if is_twice {
                        &mut temporaries.apart
                    } else {
                        &mut temporaries.better_apart
                    };
                    apart.insert(output, input);
                }
            }
        }
        temporaries
    }
}

/// Where a result lies: which buffer, and how many bytes from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) buffer: usize,
    pub(crate) offset: u64,
}

/// The spot of each result, and the size of each buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sharing {
    pub(crate) spots: Vec<Spot>,
    pub(crate) sizes: Vec<u64>,
}

impl Sharing {
    fn total(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// How much more than the lower bound memory may be before inputs are put beside outputs, in hundredths. Kernels with such
/// inputs are pipelines of their own, which take time to compile.
const SLACK: u64 = 10;
/// How many orders are tried where results share one buffer.
const TRIES: usize = 64;
/// The most results that are placed beside one another, each held against all before it.
const MOST_PLACED: usize = 4096;

/// Shares memory with plain kernels where that comes near the lower bound, else with inputs beside outputs, and where that is not
/// enough in one buffer, of at most so many bytes.
///
/// The first alone cannot always do it: in `ResNet`-18 the largest result, with its input in another buffer, is followed by
/// residual blocks with three small results in one dispatch, which need three buffers, and so a fifth too much. Nor can the
/// second: in `ResNet`-50 a convolution's written terms fill a buffer before and after a residual sum, whose two operands
/// would lie half in that buffer and half in the next.
pub(crate) fn share_least(temporaries: &Temporaries, alignment: u64, largest: u64) -> Sharing {
    let Temporaries {
        lives,
        apart,
        better_apart,
        ..
    } = temporaries;
    if lives.len() > MOST_PLACED {
        return take_turns(lives);
    }
    let plain = share(lives, &[apart, better_apart], &Apart::default(), alignment);
    if plain.total() * 100 <= lower_bound(lives) * (100 + SLACK) {
        return plain;
    }
    let dense = share(lives, &[apart], better_apart, alignment);
    let best = if dense.total() < plain.total() { dense } else { plain };
    if best.total() * 100 <= lower_bound(lives) * (100 + SLACK) {
        return best;
    }
    let one = share_one(lives, apart, alignment);
    let fits = one.sizes.iter().all(|&bytes| bytes <= largest);
    if fits && one.total() < best.total() { one } else { best }
}

/// Gives each result a range of one buffer, or of another where it may not lie in the first.
///
/// The largest are placed first, each as low as it can be. Then, again and again, what reached highest is placed before all
/// others, and the best of all tries is kept.
fn share_one(lives: &[Life], apart: &Apart, alignment: u64) -> Sharing {
    let bound = lower_bound(lives);
    let mut order = largest_first(lives);
    let mut best: Option<Sharing> = None;
    for _ in 0..TRIES {
        let sharing = place(lives, &order, apart, alignment);
        let end = |index: usize| sharing.spots[index].offset + lives[index].bytes;
        let highest = (0..order.len()).rev().max_by_key(|&at| end(order[at])).unwrap_or(0);
        if best.as_ref().is_none_or(|best| sharing.total() < best.total()) {
            best = Some(sharing);
        }
        if highest == 0 || best.as_ref().is_some_and(|best| best.total() <= bound) {
            break;
        }
        order[..=highest].rotate_right(1);
    }
    best.unwrap_or_default()
}

/// Places results in this order, each as low as it can be in the first buffer that it may lie in.
fn place(lives: &[Life], order: &[usize], apart: &Apart, alignment: u64) -> Sharing {
    let mut sharing = Sharing {
        spots: vec![Spot::default(); lives.len()],
        sizes: Vec::new(),
    };
    let mut occupants: Vec<Vec<usize>> = Vec::new();
    for &index in order {
        let life = &lives[index];
        let neighbours = |buffer: &[usize]| -> Vec<usize> {
            let overlapping = buffer.iter().filter(|&&other| life.overlaps(&lives[other]));
            overlapping.copied().collect()
        };
        let may_lie = |buffer: &Vec<usize>| !neighbours(buffer).iter().any(|&other| apart.contains(index, other));
        let buffer = occupants.iter().position(may_lie).unwrap_or_else(|| {
            occupants.push(Vec::new());
            sharing.sizes.push(0);
            occupants.len() - 1
        });
        let taken = neighbours(&occupants[buffer])
            .into_iter()
            .map(|other| (sharing.spots[other].offset, lives[other].bytes))
            .collect();
        let offset = gap(taken, life.bytes, alignment, u64::MAX).unwrap_or(0);
        sharing.sizes[buffer] = sharing.sizes[buffer].max(offset + life.bytes);
        sharing.spots[index] = Spot { buffer, offset };
        occupants[buffer].push(index);
    }
    sharing
}

fn largest_first(lives: &[Life]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&index| (Reverse(lives[index].bytes), lives[index].first));
    order
}

/// Gives each result a range of a buffer, none that overlaps another's that exists at the same time. Offsets are multiples
/// of `alignment`.
///
/// The largest are placed first, each where the first buffer has room during its life and where no dispatch would read and
/// write it; else where there is room; where there is none, in a buffer of its own. So a buffer is never larger than the
/// first result in it, and smaller ones fill the gaps, one after another in time and beside one another.
fn share(lives: &[Life], apart: &[&Apart], better_apart: &Apart, alignment: u64) -> Sharing {
    let mut sharing = Sharing {
        spots: vec![Spot::default(); lives.len()],
        sizes: Vec::new(),
    };
    let mut occupants: Vec<Vec<usize>> = Vec::new();
    for index in largest_first(lives) {
        let life = &lives[index];
        let room = |buffer: usize, is_strict: bool| {
            let neighbours = occupants[buffer].iter().filter(|&&other| life.overlaps(&lives[other]));
            let forbids = |other: usize| {
                apart.iter().any(|apart| apart.contains(index, other)) || (is_strict && better_apart.contains(index, other))
            };
            if neighbours.clone().any(|&other| forbids(other)) {
                return None;
            }
            let taken = neighbours
                .map(|&other| (sharing.spots[other].offset, lives[other].bytes))
                .collect();
            gap(taken, life.bytes, alignment, sharing.sizes[buffer])
        };
        let first_room =
            |is_strict| (0..occupants.len()).find_map(|buffer| room(buffer, is_strict).map(|offset| Spot { buffer, offset }));
        let spot = first_room(true).or_else(|| first_room(false)).unwrap_or_else(|| {
            occupants.push(Vec::new());
            sharing.sizes.push(life.bytes);
            Spot {
                buffer: occupants.len() - 1,
                offset: 0,
            }
        });
        occupants[spot.buffer].push(index);
        sharing.spots[index] = spot;
    }
    sharing
}

/// The first aligned offset with so many bytes free between ranges that are taken, given as offset and bytes.
fn gap(mut taken: Vec<(u64, u64)>, bytes: u64, alignment: u64, size: u64) -> Option<u64> {
    taken.sort_unstable();
    let mut free = 0;
    for (offset, length) in taken {
        if free + bytes <= offset {
            break;
        }
        free = free.max((offset + length).next_multiple_of(alignment));
    }
    (free + bytes <= size).then_some(free)
}

/// Gives each result a buffer whole, the shortest that is long enough of those that nobody needs any more, in the order of time.
/// No dispatch reads and writes one buffer so: what it reads is needed while it runs.
fn take_turns(lives: &[Life]) -> Sharing {
    let mut spots = vec![Spot::default(); lives.len()];
    let (mut begins, mut ends): (Vec<usize>, Vec<usize>) = ((0..lives.len()).collect(), (0..lives.len()).collect());
    begins.sort_by_key(|&index| (lives[index].first, Reverse(lives[index].bytes)));
    ends.sort_by_key(|&index| lives[index].last);
    let mut ended = ends.into_iter().peekable();
    let mut buffers = Buffers::default();
    for index in begins {
        let life = &lives[index];
        while let Some(over) = ended.next_if(|&over| lives[over].last < life.first) {
            buffers.give_back(spots[over].buffer);
        }
        spots[index].buffer = buffers.take(life.bytes);
    }
    Sharing {
        spots,
        sizes: buffers.into_lengths(),
    }
}

/// The most bytes that exist at the same time: no sharing can do with less.
pub(crate) fn lower_bound(lives: &[Life]) -> u64 {
    let mut begins: Vec<&Life> = lives.iter().collect();
    let mut ends = begins.clone();
    begins.sort_by_key(|life| life.first);
    ends.sort_by_key(|life| life.last);
    let mut ended = ends.into_iter().peekable();
    let (mut bytes, mut most) = (0, 0);
    for life in begins {
        while let Some(over) = ended.next_if(|over| over.last < life.first) {
            bytes -= over.bytes;
        }
        bytes += life.bytes;
        most = most.max(bytes);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn life(bytes: u64, first: usize, last: usize) -> Life {
        Life { bytes, first, last }
    }

    /// Each result is made by the dispatch of its first time, from what ends then or goes on.
    fn chained(lives: &[Life]) -> Apart {
        let mut apart = Apart::default();
        for (a, early) in lives.iter().enumerate() {
            for (b, late) in lives.iter().enumerate() {
                if early.last == late.first && a != b {
                    apart.insert(a, b);
                }
            }
        }
        apart
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<Life> = (0..10).map(|i| life(160 - 16 * i as u64, i, i + 1)).collect();
        let sharing = share(&chain, &[&chained(&chain)], &Apart::default(), 16);
        assert_eq!(sharing.sizes, [160, 144]);
        assert_eq!(lower_bound(&chain), 304);
    }

    #[test]
    fn a_result_used_much_later_keeps_its_place() {
        let lives = [life(16, 0, 5), life(16, 1, 2), life(16, 2, 3), life(16, 3, 4)];
        let sharing = share(&lives, &[&chained(&lives)], &Apart::default(), 16);
        assert_eq!(sharing.sizes.len(), 3);
        assert!(sharing.spots[1..].iter().all(|spot| spot.buffer != sharing.spots[0].buffer));
    }

    #[test]
    fn small_results_lie_beside_one_another_unless_a_dispatch_uses_both() {
        let lives = [life(64, 0, 1), life(16, 2, 5), life(32, 3, 5), life(16, 4, 5)];
        let sharing = share(&lives, &[], &Apart::default(), 16);
        assert_eq!(sharing.sizes, [64]);
        assert_eq!(
            sharing.spots.iter().map(|spot| spot.offset).collect::<Vec<_>>(),
            [0, 32, 0, 48]
        );
        let mut apart = Apart::default();
        apart.insert(3, 2);
        assert_eq!(share(&lives, &[&apart], &Apart::default(), 16).sizes, [64, 16]);
        assert_eq!(share(&lives, &[], &Apart::default(), 32).sizes, [64, 16]);
    }

    /// The large result, then small ones of which a dispatch uses three at a time.
    #[test]
    fn inputs_lie_beside_outputs_where_that_saves_memory() {
        let lives = vec![life(64, 0, 1), life(16, 1, 3), life(16, 2, 3), life(16, 3, 4)];
        let mut temporaries = Temporaries {
            better_apart: chained(&lives),
            lives,
            ..Temporaries::default()
        };
        assert_eq!(share_least(&temporaries, 16, u64::MAX).sizes, [64, 16]);
        temporaries.apart.insert(2, 3);
        temporaries.apart.insert(1, 3);
        assert_eq!(share_least(&temporaries, 16, u64::MAX).sizes, [64, 16, 16]);
    }

    /// As `ResNet`-50 has them: large results before and after a sum of two others.
    #[test]
    fn one_buffer_serves_where_two_would_be_too_much() {
        let lives = vec![
            life(96, 4, 5),
            life(96, 8, 9),
            life(48, 2, 6),
            life(48, 6, 10),
            life(16, 5, 6),
        ];
        let temporaries = Temporaries {
            lives,
            ..Temporaries::default()
        };
        let most = lower_bound(&temporaries.lives);
        assert_eq!(share(&temporaries.lives, &[], &Apart::default(), 16).sizes, [96, 48, 48, 16]);
        assert_eq!(share_least(&temporaries, 16, u64::MAX).sizes, [most]);
        assert_eq!(share_least(&temporaries, 16, most - 1).sizes, [96, 48, 48, 16]);
    }

    #[test]
    fn no_two_at_the_same_time_share_a_byte_and_all_fit() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let lives: Vec<Life> = (0..random.below(30))
                .map(|i| life(16 + 16 * random.below(100) as u64, i, i + random.below(6)))
                .collect();
            let apart = chained(&lives);
            let alignment = 16 << random.below(5);
            for sharing in [
                share(&lives, &[&apart], &Apart::default(), alignment),
                share_one(&lives, &apart, alignment),
                take_turns(&lives),
            ] {
                for (i, a) in lives.iter().enumerate() {
                    let at = sharing.spots[i];
                    assert!(at.offset + a.bytes <= sharing.sizes[at.buffer] && at.offset.is_multiple_of(alignment));
                    for (j, b) in lives.iter().enumerate().skip(i + 1) {
                        let other = sharing.spots[j];
                        let meet = at.offset < other.offset + b.bytes && other.offset < at.offset + a.bytes;
                        let is_fine = at.buffer != other.buffer || !a.overlaps(b) || !(meet || apart.contains(i, j));
                        assert!(is_fine, "{a:?} {at:?} {b:?} {other:?}");
                    }
                }
                assert!(sharing.sizes.iter().sum::<u64>() >= lower_bound(&lives));
            }
        }
    }
}
