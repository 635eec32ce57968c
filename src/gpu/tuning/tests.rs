//! Every choice that a plan may name is obeyed, or refused with a reason.

use std::sync::Arc;

use crate::dtype::DType;
use crate::error::Error;
use crate::gpu::choose::kernel_choice::{How, KernelChoice};
use crate::gpu::choose::policy::{KernelPolicy, Tuned};
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::lower;
use crate::gpu::plan::recording::{Recording, Value};
use crate::ops::{Conv2d, Fused, FusedBase, Linear, MatMul, Op, Unary};

fn capabilities(class: DeviceClass, broadcast: bool) -> Capabilities {
    Capabilities::plain(class, broadcast)
}

/// Operators with the shapes of their operands: pointwise, strided, 3x3, depthwise, grouped, few and many rows, products
/// one by one and by one matrix.
fn cases() -> Vec<(Op, Vec<Vec<usize>>)> {
    let fused = Fused::new(FusedBase::Conv(Conv2d::new().padding(1))).activation(Unary::Relu);
    vec![
        (Conv2d::new().into(), vec![vec![2, 40, 9, 8], vec![33, 40, 1, 1]]),
        (Conv2d::new().into(), vec![vec![3, 40, 1, 1], vec![33, 40, 1, 1]]),
        (
            Conv2d::new().stride([2, 1]).into(),
            vec![vec![1, 3, 30, 20], vec![16, 3, 5, 3], vec![16]],
        ),
        (fused.into(), vec![vec![1, 64, 28, 20], vec![64, 64, 3, 3], vec![64]]),
        (
            Conv2d::new().padding([1, 0]).groups(8).into(),
            vec![vec![1, 8, 12, 10], vec![8, 1, 3, 2]],
        ),
        (
            Conv2d::new().groups(2).dilation([1, 2]).into(),
            vec![vec![1, 8, 12, 10], vec![20, 4, 3, 3]],
        ),
        (Linear.into(), vec![vec![1, 512], vec![1000, 512], vec![1000]]),
        (Linear.into(), vec![vec![2, 30, 48], vec![70, 48]]),
        (MatMul.into(), vec![vec![4, 40, 65], vec![4, 65, 50]]),
        (MatMul.into(), vec![vec![4, 40, 65], vec![65, 50]]),
    ]
}

/// Records an operator; its first operand varies, the others are weights.
fn record(op: &Op, shapes: &[Vec<usize>], mut recording: Recording) -> Recording {
    let inputs: Vec<Value> = shapes
        .iter()
        .map(|shape| recording.output("input", shape, DType::F32).unwrap())
        .collect();
    for input in &inputs[1..] {
        recording.slots[input.slot.unwrap().0].constant = true;
    }
    lower(op, &inputs, &mut recording).unwrap();
    recording
}

/// A recording by a plan that names one layer, which was measured on another class of device perhaps.
fn tuned(layer: LayerSignature, choice: KernelChoice, class: DeviceClass, on: &Capabilities) -> Recording {
    let policy = KernelPolicy {
        tuned: Some(Arc::new(Tuned::new([(layer, choice)], class, on).unwrap())),
        ..KernelPolicy::rules(on.class)
    };
    Recording::new(on, policy)
}

type Call = (crate::gpu::wgsl::kernel::PipelineKey, Vec<u8>, [u32; 3]);

fn calls(recording: &Recording) -> Vec<Call> {
    let all = recording.once.iter().chain(&recording.every);
    all.map(|call| (call.key.clone(), call.parameters.clone(), call.workgroups))
        .collect()
}

#[test]
fn every_candidate_is_obeyed_and_gives_the_same_calls_on_every_class() {
    for (op, shapes) in cases() {
        for class in DeviceClass::ALL {
            let own = capabilities(class, true);
            let by_rule = record(&op, &shapes, Recording::new(&own, KernelPolicy::rules(class)));
            let [decision] = by_rule.decisions[..] else {
                panic!("{op:?} {shapes:?}: {:?}", by_rule.decisions)
            };
            assert!(!decision.is_tuned);
            let layer = decision.layer;
            let candidates = KernelChoice::candidates(&layer, &own).unwrap();
            assert!(
                candidates.contains(&decision.choice),
                "{layer} on {class:?}: the rule's {}",
                decision.choice
            );
            for choice in candidates {
                // What is written is what is read.
                assert_eq!(choice.to_string().parse::<KernelChoice>().unwrap(), choice);
                let own = record(&op, &shapes, tuned(layer, choice, class, &own));
                assert_eq!((own.decisions.len(), own.decisions[0].choice), (1, choice));
                assert!(own.decisions[0].is_tuned && own.capabilities.class == class);
                if choice == decision.choice {
                    assert_eq!(calls(&own), calls(&by_rule), "{layer} by {choice} on {class:?}");
                }
                for other in DeviceClass::ALL {
                    let on = capabilities(other, true);
                    let there = record(&op, &shapes, tuned(layer, choice, class, &on));
                    assert_eq!(calls(&there), calls(&own), "{layer} by {choice} of {class:?} on {other:?}");
                    assert_eq!(there.capabilities.class, other, "the rest follows the device's own rules");
                }
            }
        }
    }
}

/// Winograd's products, tiles and kernels of other operators: each choice is refused where it does not apply.
#[test]
fn choices_that_do_not_apply_are_refused_with_layer_and_reason() {
    let conv = |input, out_channels, kernel, groups| LayerSignature::Conv2d {
        input,
        out_channels,
        kernel,
        stride: [1, 1],
        padding: [0; 4],
        dilation: [1, 1],
        groups,
        weight_varies: false,
    };
    let linear = LayerSignature::Linear {
        rows: 7,
        in_features: 100,
        out_features: 5,
        weight_varies: false,
    };
    let square = conv([1, 4, 9, 8], 6, [3, 3], 1);
    let pointwise = conv([1, 4, 9, 8], 6, [1, 1], 1);
    let matmul = LayerSignature::MatMul {
        matrices: 1,
        rows: 4,
        inner: 5,
        columns: 1,
        left_varies: true,
    };
    let small = Capabilities {
        limits: wgpu::Limits {
            max_compute_invocations_per_workgroup: 128,
            ..wgpu::Limits::default()
        },
        ..capabilities(DeviceClass::Discrete, false)
    };
    let all = capabilities(DeviceClass::Discrete, true);
    for (layer, choice, on, reason) in [
        (square, "gemm", &all, "1x1 kernel"),
        (
            square,
            "depthwise",
            &all,
            "at most four input and four output channels per group",
        ),
        (square, "matmul", &all, "does not compute convolutions"),
        (square, "direct_broadcast", &small, "subgroups of at least eight"),
        (square, "winograd gemm_broadcast", &small, "subgroups of at least eight"),
        (square, "winograd gemv_rows", &all, "lie together"),
        (square, "tiled 128x128 splits=1", &small, "256 invocations"),
        (
            square,
            "tiled 32x32 splits=7",
            &all,
            "36 terms, in slices of 8, are not cut in 7 but in 5",
        ),
        (pointwise, "winograd gemm", &all, "3x3 kernel"),
        (pointwise, "gemv_rows", &all, "lie together"),
        (conv([1, 4, 9, 8], 6, [3, 3], 2), "winograd gemm", &all, "one group"),
        (linear, "direct", &all, "does not compute linear"),
        (linear, "gemm_broadcast", &small, "subgroups of at least eight"),
        (linear, "gemm_tiled 64x64 splits=1", &small, "256 invocations"),
        (matmul, "gemv_rows", &all, "does not compute products of two"),
    ] {
        let error = choice.parse::<KernelChoice>().unwrap().check(&layer, on).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let message = error.to_string();
        let named = format!("the layer {layer} cannot be computed by {choice}: ");
        assert!(message.contains(&named) && message.contains(reason), "{message}");
    }
    for (layer, choice, on) in [
        (square, "winograd gemm", &small),
        (pointwise, "tiled 32x32 splits=1", &small),
        (linear, "gemv_rows", &small),
    ] {
        choice.parse::<KernelChoice>().unwrap().check(&layer, on).unwrap();
    }
}

#[test]
fn layers_that_are_none_are_refused() {
    let conv = |input, out_channels, stride, padding, groups| LayerSignature::Conv2d {
        input,
        out_channels,
        kernel: [3, 3],
        stride,
        padding,
        dilation: [1, 1],
        groups,
        weight_varies: false,
    };
    let huge = usize::MAX / 2;
    let matmul = |matrices, rows| LayerSignature::MatMul {
        matrices,
        rows,
        inner: 2,
        columns: 3,
        left_varies: false,
    };
    for layer in [
        conv([1, 3, 9, 8], 6, [1, 1], [0; 4], 2),
        conv([1, 3, 9, 8], 6, [0, 1], [0; 4], 1),
        conv([1, 3, 2, 8], 6, [1, 1], [0; 4], 1),
        conv([0, 3, 9, 8], 6, [1, 1], [0; 4], 1),
        conv([1, 3, 9, 8], 0, [1, 1], [0; 4], 1),
        conv([1, 3, 9, 8], 6, [1, 1], [0; 4], 0),
        conv([1, 3, huge, 8], 6, [1, 1], [0; 4], 1),
        conv([1, 3, 9, 8], 6, [1, 1], [huge, 0, 0, 0], 1),
        conv([1, 3, 9, 8], 6, [1, 1], [1 << 30, 0, 0, 0], 1),
        conv([1, 3, 70_000, 70_000], 6, [1, 1], [0; 4], 1),
        matmul(0, 1),
        matmul(huge, huge),
        matmul(1 << 20, 1 << 20),
    ] {
        let choice = KernelChoice(How::Direct);
        let error = choice.check(&layer, &capabilities(DeviceClass::Software, true)).unwrap_err();
        assert!(
            matches!(error, Error::InvalidArgument { .. } | Error::LimitExceeded { .. }),
            "{layer}: {error}"
        );
    }
}
