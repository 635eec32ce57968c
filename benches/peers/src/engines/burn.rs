//! burn with its wgpu backend, on the adapter that convoke has. It reads no ONNX at run time, so layers only.

use std::time::{Duration, Instant};

use burn::tensor::module::{adaptive_avg_pool2d, avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use convoke::PaddingMode;
use convoke::gpu::{AdapterInfo, AdapterKind};
use ndarray::ArrayD;

use super::{Engine, NOT_LOADED, Run};
use crate::Result;
use crate::cases::{Case, Kind, Parameters};

/// Weight and bias.
type Tensors = (Tensor<4>, Tensor<1>);

pub struct Burn {
    adapter: String,
    kind: DeviceKind,
    device: Option<Device>,
    loaded: Option<(Kind, Option<Tensors>)>,
}

impl Burn {
    pub fn new(adapter: &AdapterInfo) -> Self {
        Self {
            adapter: adapter.name.clone(),
            kind: match adapter.kind {
                AdapterKind::Discrete => DeviceKind::DiscreteGpu(0),
                AdapterKind::Integrated => DeviceKind::IntegratedGpu(0),
                AdapterKind::Virtual => DeviceKind::VirtualGpu(0),
                AdapterKind::Software => DeviceKind::Cpu,
                _ => DeviceKind::DefaultDevice,
            },
            device: None,
            loaded: None,
        }
    }

    fn device(&mut self) -> Result<Device> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        let (device, setup) = Device::wgpu_options().device_kind(self.kind.clone()).init_with_setup()?;
        let name = setup.adapter.get_info().name;
        if name != self.adapter {
            return Err(format!("it took the adapter {name}, and convoke has {}", self.adapter).into());
        }
        self.device = Some(device.clone());
        Ok(device)
    }
}

impl Engine for Burn {
    fn name(&self) -> &'static str {
        "burn"
    }

    fn load(&mut self, case: &Case) -> Result<Duration> {
        let Some((layer, parameters)) = &case.layer else {
            return Err("ONNX models only by generated code, at compile time".into());
        };
        if let Kind::Conv(conv) = layer.kind
            && conv.mode == PaddingMode::Circular
        {
            return Err("no circular padding".into());
        }
        let device = self.device()?;
        let start = Instant::now();
        let parameters = parameters.as_ref().map(|Parameters { weight, bias }| {
            let weight = Tensor::from_data(data(weight), &device);
            (weight, Tensor::from_data(data(bias), &device))
        });
        self.loaded = Some((layer.kind, parameters));
        Ok(start.elapsed())
    }

    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run> {
        let device = self.device()?;
        let (kind, parameters) = self.loaded.as_ref().ok_or(NOT_LOADED)?;
        let input = data(input);
        let start = Instant::now();
        let x = Tensor::<4>::from_data(input, &device);
        let data = layer(*kind, x, parameters.clone())?.try_into_data()?;
        // What comes back is read when it is looked at.
        let values = data.as_slice::<f32>()?;
        std::hint::black_box(values.iter().sum::<f32>());
        let time = start.elapsed();
        Ok(Run {
            time,
            output: values.to_vec(),
        })
    }

    fn unload(&mut self) {
        self.loaded = None;
    }
}

fn data(array: &ArrayD<f32>) -> TensorData {
    TensorData::new(array.iter().copied().collect(), array.shape())
}

fn layer(kind: Kind, x: Tensor<4>, parameters: Option<Tensors>) -> Result<Tensor<4>> {
    Ok(match kind {
        Kind::Conv(conv) => {
            let pads = [(conv.padding, conv.padding); 2];
            let (x, padding) = match conv.mode {
                PaddingMode::Zeros => (x, conv.padding),
                PaddingMode::Reflect => (x.pad(pads, PadMode::Reflect), 0),
                PaddingMode::Replicate => (x.pad(pads, PadMode::Edge), 0),
                PaddingMode::Circular => return Err("no circular padding".into()),
            };
            let options = ConvOptions::new([conv.stride; 2], [padding; 2], [conv.dilation; 2], conv.groups);
            let (weight, bias) = parameters.ok_or("no weight")?;
            conv2d(x, weight, Some(bias), options)
        }
        Kind::MaxPool(window) => max_pool2d(
            x,
            MaxPoolOptions::new([window.kernel; 2])
                .with_stride([window.stride; 2])
                .with_padding([window.padding; 2]),
        ),
        Kind::AvgPool(window) => avg_pool2d(
            x,
            AvgPoolOptions::new([window.kernel; 2])
                .with_stride([window.stride; 2])
                .with_padding([window.padding; 2]),
        ),
        Kind::GlobalAvgPool => adaptive_avg_pool2d(x, [1, 1]),
    })
}
