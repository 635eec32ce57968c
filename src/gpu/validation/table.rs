//! Operators over shapes and devices that together reach every kernel and every constant of its header.

use crate::dtype::DType;
use crate::gpu::choose::policy::KernelPolicy;
use crate::gpu::choose::problem::Conv2dAlgorithm;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::lower;
use crate::gpu::lower::roofline::{self, MultiplyAdds};
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::kernel::PipelineKey;
use crate::ops::{
    Activation, AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, ConvTranspose2d,
    CoordinateMode, Expand, Flatten, Fused, FusedBase, InstanceNorm, Interpolate, InterpolateMode, Linear, LocalResponseNorm,
    LpPool2d, MatMul, MaxPool2d, Op, PRelu, Pad2d, Reduce, ReduceKind, Reshape, Slice, Softmax, Transpose,
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

/// The activations, each with parameters of its own.
pub(super) const ACTIVATIONS: [Activation; 26] = [
    Activation::Relu,
    Activation::Relu6,
    Activation::LeakyRelu { negative_slope: 0.01 },
    Activation::Elu { alpha: 1.0 },
    Activation::Silu,
    Activation::Gelu,
    Activation::Mish,
    Activation::Softplus,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::HardSigmoid,
    Activation::HardSwish,
    Activation::Clamp { min: -1.0, max: 2.0 },
    Activation::Abs,
    Activation::Neg,
    Activation::Exp,
    Activation::Log,
    Activation::Sqrt,
    Activation::Erf,
    Activation::Softsign,
    Activation::SELU,
    Activation::Celu { alpha: 1.5 },
    Activation::HardSigmoidWith { alpha: 0.2, beta: 0.5 },
    Activation::GeluTanh,
    Activation::Floor,
    Activation::Ceil,
];

/// The operations on two tensors.
pub(super) const BINARIES: [Binary; 7] = [
    Binary::Add,
    Binary::Mul,
    Binary::Sub,
    Binary::Div,
    Binary::Pow,
    Binary::Min,
    Binary::Max,
];

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
            if precision == Precision::F32 {
                entries.push(ceilings(&capabilities));
            }
            for (op, shapes) in cases() {
                let is_conv2d = matches!(op, Op::Conv2d(_) | Op::Fused(_));
                let forced = Conv2dAlgorithm::ALL.into_iter().filter(|_| is_conv2d).map(Some);
                for algorithm in std::iter::once(None).chain(forced) {
                    // Who forces larger tiles allows them.
                    let policy = KernelPolicy {
                        conv2d: algorithm,
                        ..KernelPolicy::rules(class)
                    };
                    let mut recording = Recording::new(&capabilities, policy);
                    recording.precision = precision;
                    match record(&op, &shapes, &mut recording) {
                        Ok(()) => entries.push(Entry {
                            name: format!("{op:?} {shapes:?} on {class:?}, broadcast {broadcast}, {algorithm:?}, {precision}"),
                            recording,
                        }),
                        Err(Error::Unsupported { .. }) if algorithm.is_some() => {}
                        Err(error) => panic!("{op:?} {shapes:?}: {error}"),
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

/// Records an operator whose inputs' buffers are yet to be made; its weights are constant.
pub(super) fn record(op: &Op, shapes: &[Vec<usize>], recording: &mut Recording) -> crate::Result<()> {
    let inputs: Vec<Value> = shapes
        .iter()
        .map(|shape| recording.output("input", shape, DType::F32))
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

fn cases() -> Vec<(Op, Vec<Vec<usize>>)> {
    let mut cases: Vec<(Op, Vec<Vec<usize>>)> = Vec::new();
    for (op, input, weight) in convolutions() {
        cases.push((op.into(), vec![input.to_vec(), weight.to_vec()]));
        cases.push((op.into(), vec![input.to_vec(), weight.to_vec(), vec![weight[0]]]));
    }
    let transposed = ConvTranspose2d::new().stride([2, 1]).padding([1, 0]).groups(2);
    cases.push((transposed.into(), vec![vec![1, 4, 5, 7], vec![4, 9, 3, 2]]));
    cases.push((transposed.into(), vec![vec![1, 4, 5, 7], vec![4, 9, 3, 2], vec![18]]));
    for activation in ACTIVATIONS {
        let fused = |base| Op::from(Fused::new(base).residual(true).activation(activation));
        let linear = fused(FusedBase::Linear(Linear));
        cases.push((linear, vec![vec![5, 7], vec![9, 7], vec![5, 9]]));
        let conv = fused(FusedBase::Conv2d(Conv2d::new()));
        cases.push((conv, vec![vec![1, 3, 5, 6], vec![6, 3, 2, 2], vec![1, 6, 4, 5]]));
        let pointwise = fused(FusedBase::Conv2d(Conv2d::new()));
        cases.push((pointwise, vec![vec![1, 3, 4, 5], vec![6, 3, 1, 1], vec![1, 6, 4, 5]]));
        let depthwise = fused(FusedBase::Conv2d(Conv2d::new().groups(3)));
        cases.push((depthwise, vec![vec![1, 3, 5, 6], vec![3, 1, 2, 2], vec![1, 3, 4, 5]]));
        let transposed = fused(FusedBase::ConvTranspose2d(ConvTranspose2d::new()));
        cases.push((transposed, vec![vec![1, 3, 5, 6], vec![3, 6, 2, 2], vec![1, 6, 6, 7]]));
    }
    let image = vec![2, 6, 13, 10];
    for op in [
        Interpolate::nearest([7, 21]),
        Interpolate::bilinear([7, 21], false),
        Interpolate::bilinear([7, 21], true),
        // Half a pixel across alone, and down alone.
        Interpolate::new([1, 21], InterpolateMode::Bilinear, CoordinateMode::PytorchHalfPixel),
        Interpolate::new([7, 1], InterpolateMode::Bilinear, CoordinateMode::PytorchHalfPixel),
    ] {
        cases.push((op.into(), vec![image.clone()]));
    }
    for mode in PaddingMode::ALL {
        cases.push((Pad2d::new(Padding2d::new(1, 2, 0, 3)).mode(mode).into(), vec![image.clone()]));
    }
    cases.extend(windows(&image));
    for p in 1..=3 {
        cases.push((LpPool2d::new(p, [3, 2]).into(), vec![image.clone()]));
    }
    cases.push((AdaptiveAvgPool2d::new([3, 4]).into(), vec![image.clone()]));
    cases.push((AdaptiveMaxPool2d::new([3, 4]).into(), vec![image.clone()]));
    cases.push((AdaptiveMaxPool2d::new(1).return_indices(true).into(), vec![image.clone()]));
    for activation in ACTIVATIONS {
        cases.push((activation.into(), vec![image.clone()]));
    }
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
    cases.extend(long_sums());
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
    ] {
        cases.push((MatMul.into(), vec![left, right]));
    }
    cases.push((
        BatchNorm::new().into(),
        vec![image.clone(), vec![6], vec![6], vec![6], vec![6]],
    ));
    cases.push((InstanceNorm::new().into(), vec![image.clone(), vec![6], vec![6]]));
    cases.push((LocalResponseNorm::new(4).into(), vec![image.clone()]));
    for op in BINARIES {
        cases.push((op.into(), vec![image.clone(), image.clone()]));
        cases.push((op.into(), vec![image.clone(), vec![6, 1, 1]]));
    }
    cases.extend(moves(&image));
    cases.push((Reshape::new([2, -1]).into(), vec![image.clone()]));
    cases.push((Flatten::default().into(), vec![image]));
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
    cases
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
