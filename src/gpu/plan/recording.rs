//! Recordings: what is to be dispatched, as plain data. No GPU here.

use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use std::collections::HashMap;
use std::sync::Arc;

use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::gpu::choose::kernel_choice::KernelChoice;
use crate::gpu::choose::policy::KernelPolicy;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::wgsl::kernel::PipelineKey;
use crate::gpu::wgsl::loop_limit::CUT_LOOPS;
use crate::gpu::wgsl::storage::Storage;
use crate::precision::Precision;
use crate::shape::element_count;

/// A buffer of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlotId(pub(crate) usize);

/// A tensor in a recording. One without elements has no buffer and is never dispatched.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) slot: Option<SlotId>,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) bytes: u64,
    /// How its elements are stored.
    pub(crate) storage: Storage,
    /// Its content, where the host made it.
    pub(crate) data: Option<Vec<u32>>,
    /// The buffer, where it exists already.
    pub(crate) buffer: Option<Arc<PooledBuffer>>,
    /// Whether its content is the same in every run.
    pub(crate) constant: bool,
    /// Whether some dispatch that writes it belongs to every run, and so all of them do.
    varies: bool,
    /// Whether it is wanted after the run, so that no other slot may share its buffer.
    pub(crate) exported: bool,
}

/// What a joined tensor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) input: SlotId,
    /// Where in the joined tensor the whole input lies as it is, in bytes; none where its elements lie apart.
    pub(crate) whole_at: Option<u64>,
}

/// What a kernel call takes: its workgroups, and the rounds that an invocation's loops take at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    workgroups: usize,
    rounds: u64,
}

impl Work {
    /// So many workgroups of a kernel that has no loops, but for those that are written out.
    pub(crate) fn of(workgroups: usize) -> Self {
        Self { workgroups, rounds: 0 }
    }

    /// With so many rounds at most of all loops of an invocation, those of loops in loops included, and counted as for eight
    /// invocations that go through them together.
    pub(crate) fn rounds(self, rounds: usize) -> Self {
        Self {
            rounds: rounds as u64,
            ..self
        }
    }
}

/// One kernel call.
#[derive(Debug)]
pub(crate) struct Dispatch {
    /// The node of the graph that it belongs to: what [`Recording::node`] was.
    pub(crate) node: usize,
    pub(crate) key: PipelineKey,
    /// The kernel's uniform parameters.
    pub(crate) parameters: Vec<u8>,
    pub(crate) inputs: Vec<SlotId>,
    pub(crate) outputs: Vec<SlotId>,
    pub(crate) workgroups: [u32; 3],
    /// At most, of all loops of an invocation.
    #[cfg_attr(not(test), expect(dead_code, reason = "checked as it is recorded; for tests and dumps"))]
    pub(crate) rounds: u64,
}

/// How a layer is computed that several kernels could compute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    /// The node of the graph that it belongs to: what [`Recording::node`] was.
    pub(crate) node: usize,
    pub(crate) layer: LayerSignature,
    pub(crate) choice: KernelChoice,
    /// Whether a tuning plan said so, and not a rule.
    pub(crate) is_tuned: bool,
}

/// Dispatches in order. Those whose inputs are all constant are done once, before the first run.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) capabilities: Capabilities,
    pub(crate) policy: KernelPolicy,
    /// How the reals that operators take and give are stored. What an operator keeps to itself is `f32`, but for packed weights.
    pub(crate) precision: Precision,
    pub(crate) decisions: Vec<Decision>,
    /// The node of the graph whose dispatches are being recorded; 0 where there is no graph.
    pub(crate) node: usize,
    pub(crate) slots: Vec<Slot>,
    /// The slots that are written in parts, each part by a copy of its own.
    pub(crate) joins: Vec<(SlotId, Vec<Part>)>,
    pub(crate) once: Vec<Dispatch>,
    pub(crate) every: Vec<Dispatch>,
    /// What dispatches made that others may want again, by kernel, parameters and input.
    remembered: HashMap<(PipelineKey, Vec<u8>, SlotId), SlotId>,
}

impl Recording {
    /// An empty one for a device with these capabilities.
    pub(crate) fn new(device: &Capabilities, policy: KernelPolicy) -> Self {
        Self {
            capabilities: policy.capabilities(device),
            policy,
            precision: Precision::F32,
            decisions: Vec::new(),
            node: 0,
            slots: Vec::new(),
            joins: Vec::new(),
            once: Vec::new(),
            every: Vec::new(),
            remembered: HashMap::new(),
        }
    }

    /// An empty one by the rules for these capabilities.
    #[cfg(test)]
    pub(crate) fn by_rules(device: &Capabilities) -> Self {
        let policy = KernelPolicy {
            large_tiles: device.large_tiles,
            ..KernelPolicy::rules(device.class)
        };
        Self::new(device, policy)
    }

    /// Brings a tensor in. `constant` promises the same content in every run.
    pub(crate) fn import(&mut self, buffer: Option<Arc<PooledBuffer>>, shape: &[usize], dtype: DType, constant: bool) -> Value {
        let storage = Storage::of(dtype, self.precision);
        let slot = buffer.map(|buffer| {
            let bytes = (shape.iter().product::<usize>() * storage.bytes()) as u64;
            self.push(Slot {
                bytes,
                storage,
                data: None,
                buffer: Some(buffer),
                constant,
                varies: false,
                exported: true,
            })
        });
        Value {
            slot,
            shape: shape.to_vec(),
            dtype,
        }
    }

    /// A new tensor for an operator to write.
    pub(crate) fn output(&mut self, operator: &'static str, shape: &[usize], dtype: DType) -> Result<Value> {
        self.value(operator, shape, dtype, Storage::of(dtype, self.precision))
    }

    /// A new tensor that an operator writes and reads itself: `f32`, so that it rounds no more often than it must.
    pub(crate) fn inner(&mut self, operator: &'static str, shape: &[usize]) -> Result<Value> {
        self.value(operator, shape, DType::F32, Storage::Words)
    }

    /// The same of whole numbers within a type of bytes, which kernels see by fours alone.
    pub(crate) fn inner_bytes(&mut self, operator: &'static str, shape: &[usize], packed: Storage) -> Result<Value> {
        self.value(operator, shape, DType::F32, packed)
    }

    fn value(&mut self, operator: &'static str, shape: &[usize], dtype: DType, storage: Storage) -> Result<Value> {
        let elements = element_count(operator, shape)?;
        let slot = if elements == 0 {
            None
        } else {
            Some(self.scratch_as(operator, elements, storage)?)
        };
        Ok(Value {
            slot,
            shape: shape.to_vec(),
            dtype,
        })
    }

    /// A buffer of so many 4-byte elements that only this recording sees.
    pub(crate) fn scratch(&mut self, operator: &'static str, elements: usize) -> Result<SlotId> {
        self.scratch_as(operator, elements, Storage::Words)
    }

    /// A buffer of so many elements that only this recording sees.
    pub(crate) fn scratch_as(&mut self, operator: &'static str, elements: usize, storage: Storage) -> Result<SlotId> {
        let bytes = self.capabilities.check_stored(operator, elements, storage.bytes())?;
        Ok(self.push(Slot {
            bytes,
            storage,
            data: None,
            buffer: None,
            constant: false,
            varies: false,
            exported: false,
        }))
    }

    /// A constant buffer with this content, which must not be empty.
    pub(crate) fn data(&mut self, operator: &'static str, data: Vec<u32>) -> Result<SlotId> {
        let slot = self.scratch(operator, data.len())?;
        self.slots[slot.0].constant = true;
        self.slots[slot.0].data = Some(data);
        Ok(slot)
    }

    /// Keeps a value's buffer for after the run.
    pub(crate) fn export(&mut self, value: &Value) {
        if let Some(slot) = value.slot {
            self.slots[slot.0].exported = true;
        }
    }

    /// A tensor that something else makes: what an operator by itself is recorded for.
    pub(crate) fn given(&mut self, operator: &'static str, kind: &TensorType, constant: bool) -> Result<Value> {
        let value = self.output(operator, &kind.shape, kind.dtype)?;
        if let Some(slot) = value.slot {
            self.slots[slot.0].constant = constant;
        }
        Ok(value)
    }

    /// Announces that several dispatches will write a slot, each a copy of one of these parts and none anything else. A slot
    /// is constant only if every dispatch that writes it is: where one is not, the others may not be done once either.
    pub(crate) fn write_in_parts(&mut self, output: SlotId, parts: Vec<Part>) {
        self.slots[output.0].varies |= !parts.iter().all(|part| self.slots[part.input.0].constant);
        self.joins.push((output, parts));
    }

    /// What a dispatch that is known ([`remember`](Self::remember)) makes of the same input in the same way. Slots are written once.
    pub(crate) fn recorded(&self, key: &PipelineKey, parameters: &impl bytemuck::NoUninit, input: SlotId) -> Option<SlotId> {
        let same = (key.clone(), bytemuck::bytes_of(parameters).to_vec(), input);
        self.remembered.get(&same).copied()
    }

    /// Knows what a dispatch makes of its one input, for others that would make the same.
    pub(crate) fn remember(&mut self, key: PipelineKey, parameters: &impl bytemuck::NoUninit, input: SlotId, output: SlotId) {
        let made = (key, bytemuck::bytes_of(parameters).to_vec(), input);
        self.remembered.insert(made, output);
    }

    /// Records a kernel call, its workgroups folded where they exceed what one dimension may have. How its bindings
    /// are stored follows from the slots.
    pub(crate) fn dispatch(
        &mut self,
        operator: &'static str,
        key: PipelineKey,
        parameters: &impl bytemuck::NoUninit,
        inputs: &[SlotId],
        outputs: &[SlotId],
        work: Work,
    ) -> Result<()> {
        self.dispatch_bytes(operator, key, bytemuck::bytes_of(parameters), inputs, outputs, work)
    }

    /// The same of parameters that are in memory already.
    pub(crate) fn dispatch_bytes(
        &mut self,
        operator: &'static str,
        mut key: PipelineKey,
        parameters: &[u8],
        inputs: &[SlotId],
        outputs: &[SlotId],
        work: Work,
    ) -> Result<()> {
        let source = key.kernel.source();
        debug_assert_eq!(inputs.len(), source.inputs.len());
        debug_assert_eq!(outputs.len(), source.outputs.len());
        debug_assert_eq!(parameters.len(), source.parameters.size);
        let most = self.capabilities.limits.max_compute_workgroups_per_dimension;
        let workgroups = fold(operator, work.workgroups as u64, most)?;
        if work.rounds > MOST_ROUNDS && self.capabilities.splits_sums() {
            return Err(Error::LimitExceeded {
                operator,
                what: "the rounds of an invocation's loops".to_owned(),
                needed: work.rounds,
                limit: MOST_ROUNDS,
            });
        }
        let bound = inputs.iter().chain(outputs).zip(source.inputs.iter().chain(source.outputs));
        key.stored = bound
            .map(|(slot, binding)| self.slots[slot.0].storage.seen_as(binding.element))
            .collect();
        if self.capabilities.checks_rounds() {
            key.constants.push((CUT_LOOPS, work.rounds as u32));
        }
        let constant = self.are_constant(inputs) && !outputs.iter().any(|slot| self.slots[slot.0].varies);
        let dispatch = Dispatch {
            node: self.node,
            key,
            parameters: parameters.to_vec(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            workgroups,
            rounds: work.rounds,
        };
        if constant {
            for slot in outputs {
                self.slots[slot.0].constant = true;
            }
            self.once.push(dispatch);
        } else {
            for slot in outputs {
                let slot = &mut self.slots[slot.0];
                if slot.constant {
                    return Err(Error::Internal(format!(
                        "{operator} writes to a constant in every run: its parts were not announced"
                    )));
                }
                slot.varies = true;
            }
            self.every.push(dispatch);
        }
        Ok(())
    }

    fn are_constant(&self, slots: &[SlotId]) -> bool {
        slots.iter().all(|slot| self.slots[slot.0].constant)
    }

    /// Records as on a device of this class, sizes included.
    pub(crate) fn with_class<T>(&mut self, class: DeviceClass, record: impl FnOnce(&mut Self) -> T) -> T {
        let own = std::mem::replace(&mut self.capabilities.class, class);
        let recorded = record(self);
        self.capabilities.class = own;
        recorded
    }

    fn push(&mut self, slot: Slot) -> SlotId {
        self.slots.push(slot);
        SlotId(self.slots.len() - 1)
    }
}

/// Splits a number of workgroups over two dimensions with few to spare: kernels ignore those past the end.
fn fold(operator: &'static str, workgroups: u64, most: u32) -> Result<[u32; 3]> {
    let most = u64::from(most);
    let rows = workgroups.div_ceil(most).max(1);
    let columns = workgroups.div_ceil(rows);
    // Kernels number workgroups and elements in u32.
    let limit = (most * most).min(u64::from(u32::MAX));
    if rows * columns > limit {
        return Err(Error::LimitExceeded {
            operator,
            what: "the number of workgroups".to_owned(),
            needed: workgroups,
            limit,
        });
    }
    Ok([columns as u32, rows as u32, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::device::device_class::DeviceClass;
    use crate::gpu::lower::lower;
    use crate::gpu::wgsl::kernel::Kernel;
    use crate::ops::{Concat, Unary};

    /// What runs after concat of a constant and something else would be done once if the constant's copy made the whole
    /// output constant, whichever comes first.
    #[test]
    fn a_slot_written_in_parts_is_constant_only_if_all_parts_are() {
        let capabilities = Capabilities::plain(DeviceClass::Software, false);
        for (constant, counts) in [
            ([true, false], (0, 3)),
            ([false, true], (0, 3)),
            ([false, false], (0, 3)),
            ([true, true], (3, 0)),
        ] {
            let mut recording = Recording::by_rules(&capabilities);
            let inputs = constant.map(|constant| {
                let value = recording.output("input", &[2, 3], DType::F32).unwrap();
                recording.slots[value.slot.unwrap().0].constant = constant;
                value
            });
            let joined = lower(&Concat::new(1).into(), &inputs, &mut recording).unwrap();
            lower(&Unary::Relu.into(), &joined, &mut recording).unwrap();
            assert_eq!((recording.once.len(), recording.every.len()), counts, "{constant:?}");
            let slot = &recording.slots[joined[0].slot.unwrap().0];
            assert_eq!(slot.constant, constant == [true, true], "{constant:?}");
        }
    }

    #[test]
    fn parts_that_were_not_announced_are_an_error() {
        let mut recording = Recording::by_rules(&Capabilities::plain(DeviceClass::Software, false));
        let [constant, other, output] = [true, false, false].map(|constant| {
            let slot = recording.scratch("t", 4).unwrap();
            recording.slots[slot.0].constant = constant;
            slot
        });
        let key = PipelineKey::new(Kernel::StridedCopy, [("LANES", 64)]);
        let mut write = |input| recording.dispatch("t", key.clone(), &[0_u32; 28], &[input], &[output], Work::of(1));
        write(constant).unwrap();
        assert!(matches!(write(other), Err(Error::Internal(_))));
    }

    #[test]
    fn workgroups_fold_into_two_dimensions() {
        assert_eq!(fold("t", 1, 65_535).unwrap(), [1, 1, 1]);
        assert_eq!(fold("t", 65_535, 65_535).unwrap(), [65_535, 1, 1]);
        assert_eq!(fold("t", 65_536, 65_535).unwrap(), [32_768, 2, 1]);
        for count in [65_537u64, 200_001, 10_000_019] {
            let [x, y, z] = fold("t", count, 65_535).unwrap().map(u64::from);
            assert!(
                x <= 65_535 && y <= 65_535 && z == 1 && x * y >= count && x * y - count < y,
                "{count}: {x} {y}"
            );
        }
        assert!(fold("t", 1 << 33, 65_535).is_err());
    }
}
