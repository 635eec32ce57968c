//! Joined tensors whose parts are written where they belong, so that they need no copy. Plain data; no GPU here.
//!
//! Where a part lies in the joined tensor in one piece and only this recording makes it, the operator that makes it can
//! write to a range of the joined tensor's buffer. Decided over the whole recording, since it is the buffer that WebGPU
//! watches and not the range: no dispatch may read one part of a buffer and write another.

use std::collections::{HashMap, HashSet};

use crate::gpu::plan::recording::{Dispatch, Part, Recording, SlotId};

/// Where a slot lies: so many bytes into the buffer of a root, which is itself where it is part of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) root: SlotId,
    pub(crate) offset: u64,
}

/// The place of each slot, and for each dispatch of every run whether it is a copy that nobody needs.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) places: Vec<Place>,
    pub(crate) needless: Vec<bool>,
}

/// Parts of a joined tensor that lie in one root.
struct Candidate {
    root: SlotId,
    /// Where the root would begin in the joined tensor; none where the parts would not keep their distances.
    offset: Option<u64>,
    parts: HashSet<SlotId>,
    bytes: u64,
}

/// Places the parts of joined tensors in them, earlier joins first: what one join made is a root that a later one can
/// take in, as `DenseNet` does when it joins all features so far again and again.
pub(crate) fn join(recording: &Recording) -> Joining {
    let mut joiner = Joiner::new(recording);
    for (output, parts) in &recording.joins {
        for candidate in joiner.candidates(parts) {
            joiner.take_in(*output, &candidate);
        }
    }
    joiner.joining()
}

impl Joining {
    pub(crate) fn place(&self, slot: SlotId) -> Place {
        self.places[slot.0]
    }

    /// The dispatches of every run that are left.
    pub(crate) fn needed<'a>(&self, recording: &'a Recording) -> Vec<&'a Dispatch> {
        let every = recording.every.iter().zip(&self.needless);
        every
            .filter(|(_, needless)| !**needless)
            .map(|(dispatch, _)| dispatch)
            .collect()
    }
}

/// A [`Joining`] on its way. Whatever is asked takes about as long as the smaller of two tensors has dispatches.
struct Joiner<'r> {
    recording: &'r Recording,
    /// Where each slot lies in another, which may lie in a third one: a tree, flattened as it is walked.
    within: Vec<Place>,
    /// By root: the dispatches of every run that read or write something in it.
    touching: Vec<Vec<usize>>,
    needless: Vec<bool>,
}

impl<'r> Joiner<'r> {
    /// Each slot for itself.
    fn new(recording: &'r Recording) -> Self {
        let itself = |slot| Place {
            root: SlotId(slot),
            offset: 0,
        };
        let mut touching = vec![Vec::new(); recording.slots.len()];
        for (index, dispatch) in recording.every.iter().enumerate() {
            for slot in dispatch.inputs.iter().chain(&dispatch.outputs) {
                touching[slot.0].push(index);
            }
        }
        Self {
            recording,
            within: (0..recording.slots.len()).map(itself).collect(),
            touching,
            needless: vec![false; recording.every.len()],
        }
    }

    fn joining(mut self) -> Joining {
        Joining {
            places: (0..self.within.len()).map(|slot| self.place(SlotId(slot))).collect(),
            needless: self.needless,
        }
    }

    fn place(&mut self, slot: SlotId) -> Place {
        let mut path = Vec::new();
        let mut at = slot;
        while self.within[at.0].root != at {
            path.push(at);
            at = self.within[at.0].root;
        }
        let mut place = Place { root: at, offset: 0 };
        for step in path.into_iter().rev() {
            place.offset += self.within[step.0].offset;
            self.within[step.0] = place;
        }
        place
    }

    /// The parts by their roots.
    fn candidates(&mut self, parts: &[Part]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut known: HashMap<SlotId, usize> = HashMap::new();
        for part in parts {
            let place = self.place(part.input);
            let offset = part.whole_at.and_then(|at| at.checked_sub(place.offset));
            let index = *known.entry(place.root).or_insert(candidates.len());
            if index == candidates.len() {
                candidates.push(Candidate {
                    root: place.root,
                    offset,
                    parts: HashSet::new(),
                    bytes: 0,
                });
            }
            let candidate = &mut candidates[index];
            candidate.offset = candidate.offset.filter(|known| Some(*known) == offset);
            candidate.parts.insert(part.input);
            candidate.bytes += self.recording.slots[part.input.0].bytes;
        }
        candidates
    }

    /// Makes a root part of a joined tensor where that is safe.
    fn take_in(&mut self, output: SlotId, candidate: &Candidate) {
        let Some(offset) = candidate.offset else { return };
        let recording = self.recording;
        let place = self.place(output);
        let slot = |id: SlotId| &recording.slots[id.0];
        let (root, joined) = (slot(candidate.root), slot(output));
        let is_ours = root.buffer.is_none() && !root.constant && !root.exported && !joined.constant;
        // The joined tensor overwrites nothing of the root that somebody else put there.
        let is_complete = candidate.bytes == root.bytes;
        let alignment = u64::from(recording.capabilities.limits.min_storage_buffer_offset_alignment).max(16);
        let is_aligned = offset.is_multiple_of(alignment);
        // Kernels that work on vec4 may write to the rest of the last one, which must not be the next part's.
        let is_apart = root.bytes.is_multiple_of(16) || offset + root.bytes == joined.bytes;
        if !(is_ours && is_complete && is_aligned && is_apart) || place.root == candidate.root {
            return;
        }
        // Only what touches both roots can read or write one of them while it writes the other, and only that is a copy.
        let [one, other] = [place.root, candidate.root].map(|root| &self.touching[root.0]);
        let shorter = if one.len() < other.len() { one } else { other };
        let left: Vec<usize> = shorter.iter().copied().filter(|&index| !self.needless[index]).collect();
        let mut copies = Vec::new();
        for index in left {
            let dispatch = &recording.every[index];
            let is_copy =
                dispatch.outputs == [output] && matches!(dispatch.inputs[..], [input] if candidate.parts.contains(&input));
            if is_copy {
                copies.push(index);
            } else if self.would_meet(dispatch, [place.root, candidate.root]) {
                return;
            }
        }
        for index in copies {
            self.needless[index] = true;
        }
        self.within[candidate.root.0] = Place {
            root: place.root,
            offset: place.offset + offset,
        };
        let mut moved = std::mem::take(&mut self.touching[candidate.root.0]);
        let kept = &mut self.touching[place.root.0];
        if kept.len() < moved.len() {
            std::mem::swap(kept, &mut moved);
        }
        kept.append(&mut moved);
    }

    /// Whether a dispatch would write a buffer that had both roots, and read it or write it twice.
    fn would_meet(&mut self, dispatch: &Dispatch, roots: [SlotId; 2]) -> bool {
        let mut in_roots = |slots: &[SlotId]| slots.iter().filter(|&&slot| roots.contains(&self.place(slot).root)).count();
        let written = in_roots(&dispatch.outputs);
        written > 1 || (written > 0 && in_roots(&dispatch.inputs) > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;
    use crate::dtype::DType;
    use crate::gpu::device::capabilities::Capabilities;
    use crate::gpu::device::device_class::DeviceClass;
    use crate::gpu::lower::lower;
    use crate::gpu::plan::memory::{Temporaries, share_least};
    use crate::gpu::plan::recording::Value;
    use crate::ops::{Binary, Concat, Op, Slice, Unary};
    use crate::testing::Random;

    /// A recording of small images, whose parts begin at multiples of so many bytes.
    struct Builder(Recording);

    impl Builder {
        fn new(alignment: u32) -> Self {
            let mut capabilities = Capabilities::plain(DeviceClass::Software, false);
            capabilities.limits.min_storage_buffer_offset_alignment = alignment;
            Self(Recording::by_rules(&capabilities))
        }

        fn input(&mut self, shape: &[usize]) -> Value {
            let value = self.0.output("input", shape, DType::F32).unwrap();
            self.0.export(&value);
            value
        }

        fn node(&mut self, op: impl Into<Op>, inputs: &[&Value]) -> Value {
            let inputs: Vec<Value> = inputs.iter().map(|&value| value.clone()).collect();
            lower(&op.into(), &inputs, &mut self.0).unwrap().swap_remove(0)
        }

        fn relu(&mut self, input: &Value) -> Value {
            self.node(Unary::Relu, &[input])
        }

        /// How many copies are left, and which values are parts of another.
        fn parts(&self, values: &[&Value]) -> (usize, Vec<bool>) {
            let joining = join(&self.0);
            let is_copy = |output: SlotId| self.0.joins.iter().any(|(joined, _)| *joined == output);
            let copies = joining
                .needed(&self.0)
                .iter()
                .filter(|dispatch| is_copy(dispatch.outputs[0]))
                .count();
            let is_part = |value: &&Value| joining.place(value.slot.unwrap()).root != value.slot.unwrap();
            (copies, values.iter().map(is_part).collect())
        }
    }

    #[test]
    fn branches_write_to_the_joined_tensor() {
        let mut builder = Builder::new(32);
        let image = builder.input(&[1, 2, 4, 6]);
        let [left, right] = [builder.relu(&image), builder.relu(&image)];
        let joined = builder.node(Concat::new(1), &[&left, &right]);
        builder.relu(&joined);
        assert_eq!(builder.parts(&[&left, &right]), (0, vec![true, true]));
        let place = join(&builder.0).place(right.slot.unwrap());
        assert_eq!((Some(place.root), place.offset), (joined.slot, 2 * 4 * 6 * 4));
    }

    /// Where parts do not lie in one piece, begin between the offsets that a device can bind, or share their last vec4.
    #[test]
    fn parts_that_cannot_be_bound_are_copied() {
        for (shape, alignment, expected) in [
            ([2, 2, 4, 6], 32, (3, [false, false, false])),
            ([1, 2, 4, 6], 256, (2, [true, false, false])),
            ([1, 1, 4, 6], 32, (0, [true, true, true])),
            ([1, 1, 4, 6], 64, (1, [true, false, true])),
            ([1, 1, 3, 3], 32, (3, [false, false, false])),
            ([1, 8, 3, 3], 32, (0, [true, true, true])),
        ] {
            let mut builder = Builder::new(alignment);
            let image = builder.input(&shape);
            let branches = [(); 3].map(|()| builder.relu(&image));
            builder.node(Concat::new(1), &branches.each_ref());
            let (copies, parts) = builder.parts(&branches.each_ref());
            assert_eq!(
                (copies, parts.as_slice()),
                (expected.0, &expected.1[..]),
                "{shape:?} {alignment}"
            );
        }
    }

    /// Halves: parts begin at half as many bytes, and so between the offsets of a device more often.
    #[test]
    fn parts_in_halves_have_half_the_offsets() {
        for (channels, expected) in [(4, (0, [true, true])), (2, (1, [true, false]))] {
            let mut builder = Builder::new(64);
            builder.0.precision = crate::Precision::F16;
            let image = builder.input(&[1, channels, 2, 4]);
            let branches = [(); 2].map(|()| builder.relu(&image));
            let joined = builder.node(Concat::new(1), &branches.each_ref());
            let (copies, parts) = builder.parts(&branches.each_ref());
            assert_eq!((copies, parts.as_slice()), (expected.0, &expected.1[..]), "{channels}");
            let place = join(&builder.0).place(branches[1].slot.unwrap());
            if expected.1[1] {
                assert_eq!((Some(place.root), place.offset), (joined.slot, channels as u64 * 2 * 4 * 2));
            }
        }
        // Nine halves end within a word.
        let mut builder = Builder::new(16);
        builder.0.precision = crate::Precision::F16;
        let odd = builder.input(&[1, 1, 3, 3]);
        assert_eq!(builder.0.slots[odd.slot.unwrap().0].bytes, 18);
        let [left, right] = [builder.relu(&odd), builder.relu(&odd)];
        builder.node(Concat::new(1), &[&left, &right]);
        assert_eq!(builder.parts(&[&left, &right]), (2, vec![false, false]));
    }

    #[test]
    fn what_others_hold_is_copied() {
        let mut builder = Builder::new(32);
        let image = builder.input(&[1, 2, 4, 6]);
        let (output, constant, twice) = (builder.relu(&image), builder.input(&[1, 2, 4, 6]), builder.relu(&image));
        builder.0.export(&output);
        builder.0.slots[constant.slot.unwrap().0].constant = true;
        let values = [&image, &output, &constant, &twice, &twice];
        builder.node(Concat::new(1), &values);
        assert_eq!(builder.parts(&values), (5, vec![false; 5]));
    }

    /// The second branch reads the first: in one buffer, that would be read and written by one dispatch.
    #[test]
    fn no_dispatch_reads_and_writes_one_buffer() {
        let mut builder = Builder::new(32);
        let image = builder.input(&[1, 2, 4, 6]);
        let first = builder.relu(&image);
        let second = builder.relu(&first);
        builder.node(Concat::new(1), &[&first, &second]);
        assert_eq!(builder.parts(&[&first, &second]), (1, vec![true, false]));
    }

    #[test]
    fn features_that_are_joined_again_and_again_are_never_copied() {
        let mut builder = Builder::new(32);
        let image = builder.input(&[1, 2, 4, 6]);
        let mut features = vec![builder.relu(&image)];
        for _ in 0..5 {
            let joined = builder.node(Concat::new(1), &features.iter().collect::<Vec<_>>());
            let inner = builder.relu(&joined);
            let part = builder.node(Slice::new([0], [2]).axes([1]).steps([1]), &[&inner]);
            features.push(builder.relu(&part));
        }
        builder.node(Concat::new(1), &features.iter().collect::<Vec<_>>());
        let joining = join(&builder.0);
        let roots: Vec<SlotId> = features.iter().map(|value| joining.place(value.slot.unwrap()).root).collect();
        assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
        // One relu at first, then twice relu and a slice, of which the first is a view.
        assert_eq!(joining.needed(&builder.0).len(), 1 + 5 * 3 - 1);
    }

    /// The words of the exported slots after a run: a dispatch that is not a joining copy leaves what depends on all of its
    /// inputs, and nonsense in the rest of the last vec4.
    fn simulate(recording: &Recording, joining: &Joining) -> Vec<Vec<u64>> {
        let needed = joining.needed(recording);
        let temporaries = Temporaries::of(recording, joining, &needed);
        let alignment = recording.capabilities.limits.min_storage_buffer_offset_alignment;
        let sharing = share_least(&temporaries, alignment.into(), u64::MAX);
        let shared: HashMap<SlotId, _> = temporaries.slots.iter().copied().zip(&sharing.spots).collect();
        let mut memory: HashMap<(bool, usize), Vec<u64>> = HashMap::new();
        for (buffer, &size) in sharing.sizes.iter().enumerate() {
            memory.insert((true, buffer), vec![7; size as usize / 4]);
        }
        for (index, slot) in recording.slots.iter().enumerate() {
            memory.insert(
                (false, index),
                vec![index as u64; slot.bytes.next_multiple_of(16) as usize / 4],
            );
        }
        let locate = |slot: SlotId| {
            let place = joining.place(slot);
            let (buffer, offset) = match shared.get(&place.root) {
                Some(spot) => ((true, spot.buffer), spot.offset + place.offset),
                None => ((false, place.root.0), place.offset),
            };
            (buffer, offset as usize / 4, recording.slots[slot.0].bytes as usize / 4)
        };
        let read = |memory: &HashMap<(bool, usize), Vec<u64>>, slot| {
            let (buffer, start, words) = locate(slot);
            memory[&buffer][start..start + words].to_vec()
        };
        for dispatch in needed {
            let output = dispatch.outputs[0];
            let (buffer, start, words) = locate(output);
            let inputs: Vec<Vec<u64>> = dispatch.inputs.iter().map(|&slot| read(&memory, slot)).collect();
            for (index, &input) in dispatch.inputs.iter().enumerate() {
                let (other, at, length) = locate(input);
                // What is in the output's buffer is bound as if it were written, and so lies apart from all else bound there.
                let meets = |(buffer, start, words): ((bool, usize), usize, usize)| {
                    let whole = |words: usize| words.next_multiple_of(4);
                    other == buffer && at < start + whole(words) && start < at + whole(length)
                };
                let is_met = dispatch.inputs[..index].iter().any(|&before| meets(locate(before)));
                assert!(other != buffer || !(meets((buffer, start, words)) || is_met), "{dispatch:?}");
                assert_ne!(joining.place(input).root, joining.place(output).root, "{dispatch:?}");
            }
            let join = recording.joins.iter().find(|(joined, _)| *joined == output);
            let whole = join.and_then(|(_, parts)| {
                let own = parts.iter().filter(|part| [part.input] == dispatch.inputs[..]);
                own.map(|part| part.whole_at).collect::<Option<Vec<_>>>()
            });
            let target = memory.get_mut(&buffer).unwrap();
            if let Some(places) = whole {
                for at in places {
                    let at = start + at as usize / 4;
                    target[at..at + inputs[0].len()].copy_from_slice(&inputs[0]);
                }
            } else {
                for (word, place) in target[start..start + words].iter_mut().enumerate() {
                    let mut hasher = DefaultHasher::new();
                    (output, word, &inputs).hash(&mut hasher);
                    *place = hasher.finish();
                }
                target[start + words..start + words.next_multiple_of(4)].fill(9);
            }
        }
        let exported = (0..recording.slots.len()).filter(|&slot| recording.slots[slot].exported);
        exported.map(|slot| read(&memory, SlotId(slot))).collect()
    }

    /// Nothing joined is what all joining must equal; and where nothing is in the way, less is dispatched.
    #[test]
    fn random_graphs_compute_the_same_with_fewer_dispatches() {
        let mut random = Random::new(11);
        let mut saved = 0;
        for case in 0..400 {
            let mut builder = Builder::new(16 << random.below(4));
            let (height, width) = (1 + random.below(4), 1 + random.below(8));
            let mut values = vec![builder.input(&[1, 1 + random.below(4), height, width])];
            for _ in 0..3 + random.below(20) {
                let mut any =
                    |count: usize| -> Vec<Value> { (0..count).map(|_| values[random.below(values.len())].clone()).collect() };
                let [one, two] = [any(1).remove(0), any(1).remove(0)];
                let several = any(2);
                let value = match random.below(6) {
                    0 if one.shape == two.shape => builder.node(Binary::Add, &[&one, &two]),
                    1 => builder.node(Slice::new([random.below(one.shape[1]) as isize], [9]).axes([1]), &[&one]),
                    // What came last, as networks do it, or anything.
                    2 => builder.node(Concat::new(1), &values.iter().rev().take(3).rev().collect::<Vec<_>>()),
                    3 => builder.node(Concat::new(1), &several.iter().collect::<Vec<_>>()),
                    _ => builder.relu(&one),
                };
                if value.shape[1] < 64 {
                    if random.below(12) == 0 {
                        builder.0.export(&value);
                    }
                    values.push(value);
                }
            }
            builder.0.export(&values[values.len() - 1]);
            let recording = builder.0;
            let joining = join(&recording);
            saved += recording.every.len() - joining.needed(&recording).len();
            assert_eq!(
                simulate(&recording, &joining),
                simulate(&recording, &Joiner::new(&recording).joining()),
                "case {case}"
            );
        }
        assert!(saved > 400, "{saved}");
    }
}
