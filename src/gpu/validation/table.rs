//! Operators over shapes and devices that together reach every kernel and every constant of its header.

use std::sync::Arc;

use crate::dtype::{DType, TensorType};
use crate::gpu::choose::policy::KernelPolicy;
use crate::gpu::choose::problem::Conv2dAlgorithm;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::elementwise::chain::{Chain, lower as lower_chain};
use crate::gpu::lower::lower;
use crate::gpu::lower::picture::{self, Conversion, Levels, Pixels, Placed, Planes, Windows};
use crate::gpu::lower::roofline::{self, MultiplyAdds};
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::kernel::PipelineKey;
use crate::graph::ValueId;
use crate::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, ArgReduce, AvgPool2d, BatchNorm, Binary, Cast, Concat, Conv2d, ConvInteger,
    ConvTranspose2d, CoordinateMode, Cumulative, Expand, Flatten, Fused, FusedBase, Gather, GatherElements, GridCoordinates,
    GridMode, GridPadding, GridSample, InstanceNorm, Interpolate, InterpolateMode, LayerNorm, Linear, LocalResponseNorm, LpPool2d,
    MatMul, MatMulInteger, MaxPool2d, Op, PRelu, Pad2d, Recurrent, RecurrentCell, Reduce, ReduceKind, Resample, Reshape, RoiAlign,
    RoiReduction, ScaledDotProductAttention, ScatterElements, ScatterReduction, Slice, Softmax, TapTable, Ternary, TopK, Transpose,
    Unary,
};
use crate::{Error, Padding2d, PaddingMode, Precision};

/// An operator with its inputs' shapes, recorded for one device.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) recording: Recording,
}

impl Entry {
    /// The pipelines that it needs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &PipelineKey> {
        let dispatches = self.recording.once.iter().chain(&self.recording.every);
        dispatches.map(|dispatch| &dispatch.key)
    }
}

/// Every case on each class of device, with subgroups and without, in each precision, with each convolution algorithm
/// forced in turn; what an algorithm does not compute is left out.
pub(super) fn table() -> Vec<Entry> {
    Precision::ALL.into_iter().flat_map(table_in).collect()
}

fn table_in(precision: Precision) -> Vec<Entry> {
    let mut entries = Vec::new();
    for class in DeviceClass::ALL {
        for broadcast in [true, false] {
            let capabilities = Capabilities::plain(class, broadcast);
            entries.extend(pictures(&capabilities, precision));
            if precision == Precision::F32 {
                entries.push(ceilings(&capabilities));
                entries.extend(chains(&capabilities));
            }
            for (op, inputs) in cases() {
                let is_conv2d = matches!(op, Op::Conv(_) | Op::ConvInteger(_) | Op::Fused(_));
                let forced = Conv2dAlgorithm::ALL.into_iter().filter(|_| is_conv2d).map(Some);
                for algorithm in std::iter::once(None).chain(forced) {
                    // Who forces larger tiles allows them.
                    let policy = KernelPolicy {
                        conv2d: algorithm,
                        ..KernelPolicy::rules(class)
                    };
                    let mut recording = Recording::new(&capabilities, policy);
                    recording.precision = precision;
                    match record(&op, &inputs, &mut recording) {
                        Ok(()) => entries.push(Entry {
                            name: format!(
                                "{op:?} {} on {class:?}, broadcast {broadcast}, {algorithm:?}, {precision}",
                                named(&inputs)
                            ),
                            recording,
                        }),
                        Err(Error::Unsupported { .. }) if algorithm.is_some() => {}
                        Err(error) => panic!("{op:?} {}: {error}", named(&inputs)),
                    }
                }
            }
        }
    }
    entries
}

/// The kernels that measure what an adapter can do.
fn ceilings(capabilities: &Capabilities) -> Entry {
    let mut recording = Recording::by_rules(capabilities);
    let [from, to] = [(); 2].map(|()| recording.output("ceilings", &[64], DType::F32).unwrap());
    recording.export(&to);
    roofline::copy(&from, &to, &mut recording).unwrap();
    MultiplyAdds {
        workgroups: 1,
        rounds: 1,
    }
    .record(&from, &mut recording)
    .unwrap();
    Entry {
        name: format!("ceilings on {}", capabilities.class.name()),
        recording,
    }
}

/// Pictures of every kind of pixel as planes, and planes as pictures.
fn pictures(capabilities: &Capabilities, precision: Precision) -> Vec<Entry> {
    let windows = Windows {
        starts: vec![0, 1, 3],
        firsts: vec![0, 0],
        weights: vec![1 << 22, 1 << 21, 1 << 21],
    };
    let conversion = Conversion {
        black: 16,
        of_luma: 1.0,
        red_of_red: 1.0,
        green_of_blue: -0.5,
        green_of_red: -0.5,
        blue_of_blue: 1.0,
    };
    let kinds = [(1, 5, 1), (3, 6, 3), (3, 6, 1), (4, 8, 3), (4, 9, 1)];
    let entries = kinds.into_iter().flat_map(|(channels, pitch, count)| {
        [false, true].map(|blue_first| {
            let mut recording = Recording::by_rules(capabilities);
            recording.precision = precision;
            let slot = recording.scratch("picture", 8).unwrap();
            let pixels = Pixels {
                slot,
                channels,
                pitch,
                blue_first,
            };
            let planes = Planes {
                slot: recording.output("picture", &[12], DType::F32).unwrap().slot.unwrap(),
                height: 2,
                width: 2,
                first: 0,
                place_stride: 1,
                plane_stride: 4,
            };
            let placed = Placed {
                rows: windows.clone(),
                columns: windows.clone(),
                top: 0,
                left: 0,
                around: 0,
                gray: count == 1 && channels > 1,
                order: (0..count).collect(),
                levels: vec![0.0; 256 * count as usize],
            };
            picture::to_planes(pixels, &placed, planes, &mut recording).unwrap();
            if channels == 3 {
                for planes in 1..=3 {
                    picture::to_levels(slot, &[(0, 2); 3][..planes], [2, 2], &conversion, &mut recording).unwrap();
                }
            }
            for channels in [(channels != 3).then_some(channels), (channels == 4).then_some(8)]
                .into_iter()
                .flatten()
            {
                let to = Pixels {
                    slot: recording.scratch("picture", 8).unwrap(),
                    channels,
                    pitch: 4 * channels,
                    ..pixels
                };
                let levels = Levels {
                    scale: 255.0,
                    shift: 0.0,
                    order: (0..count).collect(),
                };
                picture::from_planes(planes, &levels, to, &mut recording).unwrap();
            }
            Entry {
                name: format!("{pixels:?} as {count} on {}, {precision}", capabilities.class.name()),
                recording,
            }
        })
    });
    entries.collect()
}

/// All functions of elements in chains, of two tensors, and of few numbers along either axis or of one.
fn chains(capabilities: &Capabilities) -> Vec<Entry> {
    let (unary, binary, ternary) = (Unary::EXAMPLES.iter(), Binary::EXAMPLES.iter(), Ternary::EXAMPLES.iter());
    let functions: Vec<Op> = (unary.map(|&function| function.into()))
        .chain(binary.map(|&function| function.into()))
        .chain(ternary.map(|&function| function.into()))
        .chain(DType::ALL.map(|dtype| Cast::new(dtype).into()))
        .collect();
    let mut entries = Vec::new();
    let mut add = |functions: &[Op], dtype: DType, few: &[usize]| {
        let mut recording = Recording::by_rules(capabilities);
        if chain(functions, &TensorType::new(dtype, [2, 6, 12, 10]), few, &mut recording) {
            entries.push(Entry {
                name: format!("a chain of {dtype} with {few:?}: {functions:?}"),
                recording,
            });
        }
    };
    for dtype in [DType::F32, DType::I32, DType::U8, DType::I8, DType::Bool] {
        for few in [&[6, 1, 1][..], &[10], &[1]] {
            functions.chunks(12).for_each(|some| add(some, dtype, few));
        }
    }
    entries
}

/// Records a chain of those functions that keep a type. Whether there is any.
fn chain(functions: &[Op], whole: &TensorType, few: &[usize], recording: &mut Recording) -> bool {
    let dtype = whole.dtype;
    let shapes = [&whole.shape[..], &whole.shape, few, few, few];
    let inputs = shapes.map(|shape| recording.given("input", &TensorType::new(dtype, shape), false).unwrap());
    let mut chain = Chain::default();
    let ids: Vec<ValueId> = (0..inputs.len()).map(ValueId).collect();
    let mut operands = ids
        .iter()
        .map(|&id| chain.input(id, &inputs[id.0].shape, &whole.shape).unwrap());
    let (first, mut others) = (operands.next().unwrap(), operands.collect::<Vec<_>>().into_iter().cycle());
    let mut last = first;
    for function in functions {
        let takes = (1..=3).find(|&count| {
            let inputs = vec![whole; count];
            function.infer(&inputs).is_ok_and(|outputs| outputs[0] == *whole)
        });
        if let Some(count) = takes {
            let operands = std::iter::once(last).chain(others.by_ref().take(count - 1));
            last = chain.push(function, operands.collect(), &vec![dtype; count], dtype).unwrap();
        }
    }
    if last == first {
        return false;
    }
    for input in &inputs {
        recording.export(input);
    }
    let output = lower_chain(&chain, |id| inputs.get(id.0), whole, recording).unwrap();
    recording.export(&output);
    true
}

/// Records an operator whose inputs' buffers are yet to be made; its weights are constant.
pub(super) fn record(op: &Op, inputs: &[TensorType], recording: &mut Recording) -> crate::Result<()> {
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|input| recording.output("input", &input.shape, input.dtype))
        .collect::<crate::Result<_>>()?;
    for (index, input) in inputs.iter().enumerate() {
        recording.export(input);
        if let Some(slot) = input.slot {
            recording.slots[slot.0].constant = index > 0;
        }
    }
    for output in lower(op, &inputs, recording)? {
        recording.export(&output);
    }
    Ok(())
}

/// A tensor of floats of each shape.
pub(super) fn of_floats(shapes: &[Vec<usize>]) -> Vec<TensorType> {
    let of = |shape: &Vec<usize>| TensorType::new(DType::F32, shape.as_slice());
    shapes.iter().map(of).collect()
}

fn named(inputs: &[TensorType]) -> String {
    inputs.iter().map(TensorType::to_string).collect::<Vec<_>>().join(", ")
}

fn cases() -> Vec<(Op, Vec<TensorType>)> {
    let floats = cases_of_floats();
    let floats = floats.into_iter().map(|(op, shapes)| (op, of_floats(&shapes)));
    floats
        .chain(functions())
        .chain(gathers())
        .chain(lines())
        .chain(sums_of_whole_numbers())
        .chain(rows())
        .collect()
}

/// Products and convolutions of whole numbers, sums that are cut up among them: of bytes, which floats add up, and of larger numbers.
fn sums_of_whole_numbers() -> Vec<(Op, Vec<TensorType>)> {
    let mut cases = Vec::new();
    for [left_type, right_type] in [[DType::U8, DType::I8], [DType::I32, DType::I8]] {
        let of = |op: Op, left: &[usize], right: &[usize]| {
            let inputs = vec![TensorType::new(left_type, left), TensorType::new(right_type, right)];
            (op, inputs)
        };
        cases.extend([
            of(MatMulInteger.into(), &[7], &[7]),
            of(MatMulInteger.into(), &[5, 7], &[7, 2]),
            of(MatMulInteger.into(), &[2, 1, 2, 7], &[3, 7, 9]),
            of(MatMulInteger.into(), &[5, 0], &[0, 7]),
            of(MatMulInteger.into(), &[2, 9000], &[9000, 3]),
        ]);
        for mode in PaddingMode::ALL {
            let conv = ConvInteger::new(Conv2d::new().padding(1).padding_mode(mode));
            cases.push(of(conv.into(), &[1, 3, 5, 6], &[4, 3, 3, 3]));
            cases.push(of(conv.into(), &[1, 1000, 4, 4], &[2, 1000, 3, 3]));
        }
        for (weight, groups) in [([20, 8, 1, 1], 1), ([8, 1, 3, 3], 8), ([20, 8, 3, 2], 1)] {
            let conv = ConvInteger::new(Conv2d::new().groups(groups));
            cases.push(of(conv.into(), &[1, 8, 5, 6], &weight));
            cases.push(of(conv.into(), &[1, 8, 8, 8], &weight));
        }
    }
    cases
}

/// Parts of whole vectors and of single elements, by indices of either type.
fn gathers() -> Vec<(Op, Vec<TensorType>)> {
    let of = |dtype: DType, inner: usize, indices: DType| {
        let inputs = vec![TensorType::new(dtype, [2, 5, inner]), TensorType::new(indices, [3, 2])];
        (Op::from(Gather::new(1)), inputs)
    };
    vec![
        of(DType::F32, 8, DType::I64),
        of(DType::F32, 3, DType::I32),
        of(DType::U8, 8, DType::I32),
        of(DType::Bool, 3, DType::I64),
    ]
}

/// Elements by indices of their own, of whatever types, and updates at such places in every way.
fn lines() -> Vec<(Op, Vec<TensorType>)> {
    let mut cases = Vec::new();
    for dtype in [DType::F32, DType::I64, DType::U8, DType::I8, DType::Bool] {
        let data = TensorType::new(dtype, [2, 5, 3]);
        let indices = TensorType::new(DType::I64, [2, 4, 2]);
        let updates = TensorType::new(dtype, [2, 4, 2]);
        cases.push((GatherElements::new(1).into(), vec![data.clone(), indices.clone()]));
        for reduction in ScatterReduction::ALL {
            let scatter = Op::from(ScatterElements::new(1).reduction(reduction));
            let inputs = vec![data.clone(), indices.clone(), updates.clone()];
            if scatter.infer(&inputs.iter().collect::<Vec<_>>()).is_ok() {
                cases.push((scatter, inputs));
            }
        }
    }
    cases
}

/// What goes along an axis, of floats and of whole numbers, on rows that lie together and apart, short and long.
fn rows() -> Vec<(Op, Vec<TensorType>)> {
    let mut ops: Vec<Op> = Vec::new();
    for flag in [false, true] {
        for op in [ArgReduce::max(1), ArgReduce::min(1)] {
            ops.push(op.last(flag).into());
        }
        for op in [Cumulative::sum(1), Cumulative::product(1)] {
            ops.extend([op.exclusive(flag).into(), op.exclusive(flag).reverse(true).into()]);
        }
    }
    ops.extend([TopK::largest(3).axis(1).into(), TopK::smallest(1).axis(1).into()]);
    for kind in [ReduceKind::Sum, ReduceKind::Product, ReduceKind::Max] {
        let axes: [&[isize]; 3] = [&[1], &[0, 2], &[]];
        ops.extend(axes.map(|axes| Op::from(Reduce::new(kind, axes))));
    }
    let mut cases = Vec::new();
    for op in ops {
        for shape in [[2, 5, 3], [2, 20_000, 1]] {
            for dtype in DType::ALL {
                let input = TensorType::new(dtype, shape);
                if op.infer(&[&input]).is_ok() {
                    cases.push((op.clone(), vec![input]));
                }
            }
        }
    }
    let interleaved = TensorType::new(DType::I32, [2, 3, 2, 3, 2, 3]);
    cases.push((Reduce::sum([0, 2, 4]).into(), vec![interleaved]));
    let empty = TensorType::new(DType::I32, [2, 0]);
    cases.push((Reduce::product([1]).into(), vec![empty]));
    cases
}

/// Every function of elements, of whatever types it takes, broadcast and not.
fn functions() -> Vec<(Op, Vec<TensorType>)> {
    let mut ops: Vec<Op> = Unary::EXAMPLES.iter().map(|&function| function.into()).collect();
    ops.extend(Binary::EXAMPLES.iter().map(|&function| Op::from(function)));
    ops.extend(Ternary::EXAMPLES.iter().map(|&function| Op::from(function)));
    ops.extend(DType::ALL.map(|dtype| Op::from(Cast::new(dtype))));
    let (whole, row) = ([2, 6, 13, 10], [6, 1, 1]);
    let mut cases = Vec::new();
    for op in ops {
        for dtype in DType::ALL {
            for first in [dtype, DType::Bool] {
                for others in [&whole[..], &row[..]] {
                    let mut inputs = vec![TensorType::new(first, whole)];
                    while let Err(_) = op.infer(&inputs.iter().collect::<Vec<_>>())
                        && inputs.len() < 3
                    {
                        inputs.push(TensorType::new(dtype, others));
                    }
                    if op.infer(&inputs.iter().collect::<Vec<_>>()).is_ok() {
                        cases.push((op.clone(), inputs));
                    }
                }
            }
        }
    }
    cases
}

/// A step of every kind of recurrent layer.
fn recurrent() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases = Vec::new();
    for cell in [
        RecurrentCell::Lstm,
        RecurrentCell::Gru,
        RecurrentCell::Tanh,
        RecurrentCell::Relu,
    ] {
        let (gates, state) = (cell.gates() * 5, vec![2, 5]);
        let mut inputs = vec![vec![3, 2, gates], vec![gates, 5], vec![gates], state.clone()];
        if cell == RecurrentCell::Lstm {
            inputs.push(state);
        }
        cases.push((Recurrent::new(cell).into(), inputs));
    }
    cases
}

fn cases_of_floats() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases: Vec<(Op, Vec<Vec<usize>>)> = Vec::new();
    for (op, input, weight) in convolutions() {
        cases.push((op.into(), vec![input.to_vec(), weight.to_vec()]));
        cases.push((op.into(), vec![input.to_vec(), weight.to_vec(), vec![weight[0]]]));
    }
    let transposed = ConvTranspose2d::new().stride([2, 1]).padding([1, 0]).groups(2);
    cases.push((transposed.into(), vec![vec![1, 4, 5, 7], vec![4, 9, 3, 2]]));
    cases.push((transposed.into(), vec![vec![1, 4, 5, 7], vec![4, 9, 3, 2], vec![18]]));
    for activation in Unary::of_floats() {
        let fused = |base| Op::from(Fused::new(base).residual(true).activation(activation));
        let linear = fused(FusedBase::Linear(Linear));
        cases.push((linear, vec![vec![5, 7], vec![9, 7], vec![5, 9]]));
        let conv = fused(FusedBase::Conv(Conv2d::new()));
        cases.push((conv, vec![vec![1, 3, 5, 6], vec![6, 3, 2, 2], vec![1, 6, 4, 5]]));
        let pointwise = fused(FusedBase::Conv(Conv2d::new()));
        cases.push((pointwise, vec![vec![1, 3, 4, 5], vec![6, 3, 1, 1], vec![1, 6, 4, 5]]));
        let depthwise = fused(FusedBase::Conv(Conv2d::new().groups(3)));
        cases.push((depthwise, vec![vec![1, 3, 5, 6], vec![3, 1, 2, 2], vec![1, 3, 4, 5]]));
        let transposed = fused(FusedBase::ConvTranspose(ConvTranspose2d::new()));
        cases.push((transposed, vec![vec![1, 3, 5, 6], vec![3, 6, 2, 2], vec![1, 6, 6, 7]]));
    }
    let image = vec![2, 6, 13, 10];
    for op in [
        Interpolate::nearest([7, 21]),
        Interpolate::bilinear([7, 21], false),
        Interpolate::bilinear([7, 21], true),
        // Half a pixel across alone, and down alone.
        Interpolate::new([1, 21], InterpolateMode::Linear, CoordinateMode::PytorchHalfPixel),
        Interpolate::new([7, 1], InterpolateMode::Linear, CoordinateMode::PytorchHalfPixel),
    ] {
        cases.push((op.into(), vec![image.clone()]));
    }
    for mode in PaddingMode::ALL {
        cases.push((Pad2d::new(Padding2d::new(1, 2, 0, 3)).mode(mode).into(), vec![image.clone()]));
    }
    cases.extend(windows(&image));
    cases.extend(volumes());
    for p in 1..=3 {
        cases.push((LpPool2d::new(p, [3, 2]).into(), vec![image.clone()]));
    }
    cases.push((AdaptiveAvgPool2d::new([3, 4]).into(), vec![image.clone()]));
    cases.push((AdaptiveMaxPool2d::new([3, 4]).into(), vec![image.clone()]));
    cases.push((AdaptiveMaxPool2d::new(1).return_indices(true).into(), vec![image.clone()]));
    for slopes in [1, 6] {
        cases.push((PRelu.into(), vec![image.clone(), vec![slopes]]));
    }
    for op in [Softmax::new(1), Softmax::log(-1)] {
        cases.push((op.into(), vec![image.clone()]));
    }
    // Rows that a workgroup keeps, with each number of vectors a lane, filled and not.
    for extent in [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384] {
        for op in [Softmax::new(-1), Softmax::log(-1)] {
            cases.push((op.into(), vec![vec![2, extent]]));
            cases.push((op.into(), vec![vec![2, extent - 4]]));
        }
    }
    // The same of norms, of single elements too, and rows that are too long.
    for extent in [3, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 200_000] {
        for extent in [extent, extent - 1, extent - 4 * usize::from(extent > 4)] {
            let shapes = vec![vec![2, extent], vec![extent]];
            cases.push((LayerNorm::rms(-1).into(), shapes.clone()));
            cases.push((LayerNorm::new(-1).into(), shapes.clone()));
            cases.push((LayerNorm::new(-1).into(), [shapes, vec![vec![extent]]].concat()));
        }
    }
    cases.extend(long_sums());
    cases.extend(recurrent());
    cases.extend(attention());
    // Few rows, of whole vectors and not, and sums that are split.
    for (rows, ins, outs) in [(1, 8, 40), (3, 2000, 40), (33, 2000, 40), (12_000, 20, 128)] {
        cases.push((Linear.into(), vec![vec![rows, ins], vec![outs, ins]]));
    }
    for (rows, features) in [(1, 3), (5, 8), (64, 33), (700, 120)] {
        cases.push((Linear.into(), vec![vec![rows, 7], vec![features, 7]]));
        cases.push((Linear.into(), vec![vec![rows, 7], vec![features, 7], vec![features]]));
    }
    for (left, right) in [
        (vec![7], vec![7]),
        (vec![5, 7], vec![7, 2]),
        (vec![2, 1, 2, 7], vec![3, 7, 9]),
        (vec![2, 33, 40], vec![2, 40, 35]),
        (vec![5, 0], vec![0, 7]),
    ] {
        cases.push((MatMul.into(), vec![left, right]));
    }
    cases.push((
        BatchNorm::new().into(),
        vec![image.clone(), vec![6], vec![6], vec![6], vec![6]],
    ));
    cases.push((InstanceNorm::new().into(), vec![image.clone(), vec![6], vec![6]]));
    cases.push((LocalResponseNorm::new(4).into(), vec![image.clone()]));
    cases.extend(moves(&image));
    cases.push((Reshape::new([2, -1]).into(), vec![image.clone()]));
    cases.push((Flatten::default().into(), vec![image]));
    cases
}

/// Volumes, by kernels of their own and by those of planes; and a signal.
fn volumes() -> Vec<(Op, Vec<Vec<usize>>)> {
    let volume = || vec![1, 4, 5, 6, 7];
    let (weight, outputs) = (vec![6, 2, 3, 2, 2], vec![1, 6, 3, 5, 6]);
    let mut cases = Vec::new();
    for mode in PaddingMode::ALL {
        let op = Conv2d::new().groups(2).padding([1, 0, 2]).padding_mode(mode);
        cases.push((op.into(), vec![volume(), weight.clone(), vec![6]]));
        cases.push((Pad2d::new([1, 0, 2]).mode(mode).into(), vec![volume()]));
    }
    for activation in Unary::of_floats() {
        let op = Fused::new(FusedBase::Conv(Conv2d::new().groups(2)))
            .residual(true)
            .activation(activation);
        cases.push((op.into(), vec![volume(), weight.clone(), outputs.clone()]));
    }
    cases.push((Conv2d::new().into(), vec![vec![1, 1000, 2, 3, 3], vec![2, 1000, 2, 2, 3]]));
    cases.push((
        ConvTranspose2d::new().stride((2, 1, 3)).into(),
        vec![volume(), vec![4, 3, 2, 2, 3]],
    ));
    for indices in [false, true] {
        let pool = MaxPool2d::new((2, 3, 2)).return_indices(indices);
        cases.push((pool.into(), vec![volume()]));
        cases.push((
            AdaptiveMaxPool2d::new((2, 3, 1)).return_indices(indices).into(),
            vec![volume()],
        ));
    }
    cases.push((AvgPool2d::new((2, 3, 2)).into(), vec![volume()]));
    cases.push((AdaptiveAvgPool2d::new((2, 3, 1)).into(), vec![volume()]));
    cases.push((AdaptiveAvgPool2d::global().into(), vec![volume()]));
    cases.push((Interpolate::nearest((3, 9, 7)).into(), vec![volume()]));
    cases.push((Interpolate::linear((3, 9, 7), false).into(), vec![volume()]));
    let signal = || vec![2, 4, 9];
    cases.push((Conv2d::new().stride(2).into(), vec![signal(), vec![6, 4, 3]]));
    cases.push((Interpolate::linear([13], false).into(), vec![signal()]));
    cases
}

/// Attention by all kernels: few queries and many, sizes of whole vectors and not, and so large that nothing keeps them.
fn attention() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases = Vec::new();
    for (queries, size, value_size) in [
        (1, 4, 4),
        (12, 36, 20),
        (49, 32, 64),
        (40, 128, 96),
        (40, 256, 128),
        (33, 5, 3),
        (9, 300, 260),
    ] {
        let operands = vec![vec![2, 3, queries, size], vec![2, 3, 37, size], vec![2, 3, 37, value_size]];
        let op = Op::from(ScaledDotProductAttention::new());
        cases.push((op.clone(), [operands.clone(), vec![vec![3, 1, 37]]].concat()));
        cases.push((op, operands));
    }
    cases.push((
        ScaledDotProductAttention::new().into(),
        vec![vec![1, 4], vec![300_000, 4], vec![300_000, 4]],
    ));
    cases.push((
        ScaledDotProductAttention::new().into(),
        vec![vec![2, 4], vec![0, 4], vec![0, 4]],
    ));
    cases
}

/// Sums that are cut up, of each kind.
fn long_sums() -> Vec<(Op, Vec<Vec<usize>>)> {
    let plane = || vec![vec![2, 1, 45, 40]];
    vec![
        (Softmax::new(-1).into(), vec![vec![2, 200_000]]),
        (Softmax::log(-1).into(), vec![vec![2, 200_000]]),
        (Softmax::log(1).into(), vec![vec![2, 2000, 3]]),
        (Reduce::sum([1]).into(), vec![vec![3, 131]]),
        (Reduce::mean([1]).into(), vec![vec![3, 20_000]]),
        (Reduce::max([1]).into(), vec![vec![3, 20_001]]),
        (Reduce::mean([0]).into(), vec![vec![9000, 3]]),
        (AdaptiveAvgPool2d::new(1).into(), plane()),
        (AdaptiveAvgPool2d::new([1, 2]).into(), vec![vec![1, 1, 90, 40]]),
        (AdaptiveMaxPool2d::new(1).into(), plane()),
        (AdaptiveMaxPool2d::new(1).return_indices(true).into(), plane()),
        (AvgPool2d::new(40).into(), plane()),
        (MaxPool2d::new(40).into(), plane()),
        (MaxPool2d::new(40).return_indices(true).into(), plane()),
        (LpPool2d::new(1, 40).into(), plane()),
        (LpPool2d::new(2, 40).into(), plane()),
        (LpPool2d::new(3, 40).into(), plane()),
        (InstanceNorm::new().into(), vec![vec![1, 2, 260, 260], vec![2], vec![2]]),
        (Linear.into(), vec![vec![1, 9000], vec![3, 9000], vec![3]]),
        (Linear.into(), vec![vec![33, 9001], vec![40, 9001]]),
        (MatMul.into(), vec![vec![2, 1, 2, 9000], vec![3, 9000, 3]]),
        (Conv2d::new().into(), vec![vec![1, 1000, 4, 4], vec![2, 1000, 3, 3]]),
        (Conv2d::new().into(), vec![vec![1, 9000, 2, 2], vec![16, 9000, 1, 1]]),
        (
            ConvTranspose2d::new().stride(2).into(),
            vec![vec![1, 3000, 2, 2], vec![3000, 2, 2, 2]],
        ),
    ]
}

/// What moves elements, over one merged axis to six, and reductions along some.
fn moves(image: &[usize]) -> Vec<(Op, Vec<Vec<usize>>)> {
    let image = image.to_vec();
    let six = vec![2, 3, 2, 3, 2, 3];
    let mut cases: Vec<(Op, Vec<Vec<usize>>)> = vec![
        (Concat::new(1).into(), vec![image.clone(), vec![2, 1, 13, 10], image.clone()]),
        (Concat::new(0).into(), vec![image.clone(); 5]),
        (Concat::new(1).into(), vec![vec![2, 3, 5], vec![2, 1, 5]]),
        (Slice::new([4], [8]).axes([3]).into(), vec![vec![2, 3, 5, 12]]),
        (
            Slice::new([3, -1], [9, 0]).axes([2, 3]).steps([2, -3]).into(),
            vec![image.clone()],
        ),
        (Transpose::new([0, 2, 3, 1]).into(), vec![image.clone()]),
        (Transpose::reversed().into(), vec![image.clone()]),
        (Transpose::reversed().into(), vec![vec![2; 5]]),
        (Transpose::reversed().into(), vec![six.clone()]),
        (Expand::new([6, 13, 10]).into(), vec![vec![6, 1, 1]]),
    ];
    for kind in [ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max] {
        for axes in [&[2, 3][..], &[1], &[0, 2], &[]] {
            cases.push((Reduce::new(kind, axes).into(), vec![image.clone()]));
        }
        cases.push((Reduce::new(kind, [0, 2, 4]).keep_dims(true).into(), vec![six.clone()]));
    }
    cases.push((Reduce::mean([1]).into(), vec![vec![2, 0, 3]]));
    cases.extend(resampled());
    cases.extend(sampled());
    cases
}

/// Every way of sampling, of signals, images and volumes, and of pooling regions.
fn sampled() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases = Vec::new();
    for mode in [GridMode::Nearest, GridMode::Linear, GridMode::Cubic] {
        for padding in [GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection] {
            for coordinates in [GridCoordinates::Edges, GridCoordinates::Centres, GridCoordinates::Elements] {
                let op = Op::from(GridSample::new(mode).padding(padding).coordinates(coordinates));
                cases.push((op.clone(), vec![vec![2, 3, 5], vec![2, 4, 1]]));
                cases.push((op.clone(), vec![vec![2, 3, 5, 6], vec![2, 4, 3, 2]]));
                cases.push((op, vec![vec![2, 3, 5, 6, 4], vec![2, 4, 3, 2, 3]]));
            }
        }
    }
    for reduction in [RoiReduction::Average, RoiReduction::Max] {
        for aligned in [false, true] {
            let op = RoiAlign::new([3, 4]).aligned(aligned).reduction(reduction);
            cases.push((op.into(), vec![vec![2, 3, 9, 7], vec![5, 5]]));
        }
    }
    cases
}

/// Weighted sums along the first axis and the last, some without taps, and all.
fn resampled() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut table = TapTable::new(5);
    for taps in [&[(0, 0.5), (4, 0.5)][..], &[], &[(2, 1.0)]] {
        table.push(taps.iter().copied()).unwrap();
    }
    let mut without_taps = TapTable::new(5);
    without_taps.push([]).unwrap();
    let along = |axis, table: &TapTable| Op::from(Resample::new(axis, Arc::new(table.clone())));
    vec![
        (along(0, &table), vec![vec![5, 4]]),
        (along(-1, &table), vec![vec![4, 5]]),
        (along(-1, &without_taps), vec![vec![4, 5]]),
    ]
}

/// Small windows, on this image and on one whose rows are whole vectors.
fn windows(image: &[usize]) -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases: Vec<(Op, Vec<Vec<usize>>)> = Vec::new();
    for (kernel, stride) in [
        ([1, 1], [1, 1]),
        ([2, 2], [2, 2]),
        ([3, 2], [1, 2]),
        ([3, 3], [2, 1]),
        ([13, 10], [1, 1]),
    ] {
        let max = MaxPool2d::new(kernel).stride(stride);
        cases.push((max.into(), vec![image.to_vec()]));
        cases.push((max.return_indices(true).into(), vec![image.to_vec()]));
        cases.push((AvgPool2d::new(kernel).stride(stride).into(), vec![image.to_vec()]));
    }
    cases.push((MaxPool2d::new([3, 2]).dilation([2, 3]).into(), vec![image.to_vec()]));
    for op in [
        MaxPool2d::new(3).stride(2).padding(1).into(),
        AvgPool2d::new(2).stride(2).into(),
    ] {
        cases.push((op, vec![vec![1, 2, 16, 16]]));
    }
    for mode in PaddingMode::ALL {
        let depthwise = Conv2d::new().padding(1).padding_mode(mode).groups(3);
        cases.push((depthwise.into(), vec![vec![1, 3, 5, 8], vec![3, 1, 3, 3]]));
    }
    cases
}

/// Convolutions with windows small and large, plain, grouped, depthwise and pointwise, on planes high and flat.
fn convolutions() -> Vec<(Conv2d, [usize; 4], [usize; 4])> {
    let plain = Conv2d::new();
    let mut cases = vec![
        (plain, [2, 3, 9, 14], [5, 3, 1, 1]),
        (plain, [1, 16, 30, 30], [40, 16, 1, 1]),
        (plain.groups(2), [1, 8, 5, 7], [6, 4, 1, 1]),
        (plain, [1, 9, 4, 4], [40, 9, 1, 1]),
        (plain, [1, 1, 28, 20], [6, 1, 5, 5]),
        // Large, medium, flat and small tiles; few outputs of long sums.
        (plain, [4, 9, 80, 82], [128, 9, 3, 3]),
        (plain, [4, 9, 81, 83], [128, 9, 3, 3]),
        (plain, [4, 70, 56, 56], [128, 70, 1, 1]),
        (plain, [4, 70, 55, 57], [128, 70, 1, 1]),
        (plain, [1, 48, 7, 7], [40, 48, 1, 1]),
        (plain.groups(40), [1, 400, 7, 7], [400, 10, 1, 1]),
        (plain.groups(40), [40, 400, 1, 1], [400, 10, 1, 1]),
        (plain.padding(1), [1, 64, 28, 28], [130, 64, 3, 3]),
        (plain.padding(1), [2, 24, 112, 112], [30, 24, 3, 3]),
        (plain.padding(1), [1, 300, 7, 7], [300, 300, 3, 3]),
        (plain.stride([2, 3]).dilation([3, 2]), [1, 4, 30, 23], [9, 4, 3, 2]),
        (plain.padding([5, 3]), [1, 2, 12, 9], [8, 2, 11, 7]),
        (plain.groups(4), [1, 4, 6, 9], [8, 1, 3, 2]),
        (plain.groups(4).stride(2), [1, 4, 36, 9], [4, 1, 5, 3]),
        (plain.groups(3), [1, 3, 40, 40], [3, 1, 13, 13]),
        (plain.groups(2).dilation([20, 2]), [1, 2, 50, 8], [2, 1, 3, 3]),
    ];
    for mode in PaddingMode::ALL {
        cases.push((plain.padding(1).padding_mode(mode), [1, 5, 14, 11], [17, 5, 3, 3]));
        // Tiles four across, not two by two, and by default where that pays.
        cases.push((plain.padding(1).padding_mode(mode), [1, 64, 30, 30], [33, 64, 3, 3]));
        cases.push((plain.padding(1).padding_mode(mode).groups(6), [1, 6, 14, 11], [6, 1, 3, 3]));
    }
    cases
}
