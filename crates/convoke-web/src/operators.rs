//! Operators by themselves: each runs once, on a device.

use convoke::ops::{AvgPool, Conv, ConvPadding, MaxPool, Op, Pad};
use convoke::{Backend, Padding2d, PaddingMode, Tensor};
use wasm_bindgen::prelude::*;

use crate::device::Device;
use crate::error::{Result, thrown};
use crate::tensor::{JsTensor, read_all, written};

/// `torch.nn.functional.conv2d` with a padding mode, of an input, a weight and perhaps a bias. Numbers are those of rows and of columns;
/// paddings are left, right, top and bottom, and none at all are as much as keeps the size.
#[wasm_bindgen]
pub async fn conv2d(
    device: &Device,
    inputs: Vec<JsTensor>,
    stride: Vec<usize>,
    padding: Vec<i32>,
    mode: &str,
    dilation: Vec<usize>,
    groups: usize,
) -> Result<JsValue> {
    let padding = if padding.is_empty() {
        ConvPadding::Same
    } else {
        sides(&padding)?.into()
    };
    let conv = Conv::new()
        .stride(two(&stride))
        .padding(padding)
        .padding_mode(mode_of(mode)?)
        .dilation(two(&dilation))
        .groups(groups);
    outcome(device, &conv.into(), &inputs).await
}

/// `torch.nn.functional.max_pool2d`.
#[wasm_bindgen(js_name = maxPool2d)]
pub async fn max_pool2d(
    device: &Device,
    inputs: Vec<JsTensor>,
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<i32>,
    dilation: Vec<usize>,
    ceil: bool,
) -> Result<JsValue> {
    let pool = MaxPool::new(two(&kernel))
        .stride(two(&stride))
        .padding(sides(&padding)?)
        .dilation(two(&dilation))
        .ceil_mode(ceil);
    outcome(device, &pool.into(), &inputs).await
}

/// `torch.nn.functional.avg_pool2d`.
#[wasm_bindgen(js_name = avgPool2d)]
pub async fn avg_pool2d(
    device: &Device,
    inputs: Vec<JsTensor>,
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<i32>,
    ceil: bool,
    counts_padding: bool,
) -> Result<JsValue> {
    let pool = AvgPool::new(two(&kernel))
        .stride(two(&stride))
        .padding(sides(&padding)?)
        .ceil_mode(ceil)
        .count_include_pad(counts_padding);
    outcome(device, &pool.into(), &inputs).await
}

/// `torch.nn.functional.pad` of the last two axes.
#[wasm_bindgen]
pub async fn pad(device: &Device, inputs: Vec<JsTensor>, padding: Vec<i32>, mode: &str, value: f32) -> Result<JsValue> {
    let pad = Pad::new(sides(&padding)?).mode(mode_of(mode)?).value(value);
    outcome(device, &pad.into(), &inputs).await
}

async fn outcome(device: &Device, op: &Op, inputs: &[JsTensor]) -> Result<JsValue> {
    let inputs = read_all(inputs)?;
    let mut outputs = run(&device.0, op, &inputs).await.map_err(|error| thrown(&error))?;
    written(outputs.swap_remove(0))
}

/// Runs an operator once.
pub(crate) async fn run(backend: &Backend, op: &Op, inputs: &[Tensor]) -> convoke::Result<Vec<Tensor>> {
    let gpu = match backend {
        Backend::Gpu(gpu) => gpu,
        #[cfg(feature = "cpu")]
        Backend::Cpu(cpu) => return cpu.run(op, &inputs.iter().collect::<Vec<_>>()),
        other => return Err(convoke::Error::unsupported("session", format!("operators on {other}"))),
    };
    let uploaded = inputs
        .iter()
        .map(|input| gpu.upload_any(input))
        .collect::<convoke::Result<Vec<_>>>()?;
    let mut outputs = Vec::new();
    for output in gpu.run(op, &uploaded.iter().collect::<Vec<_>>())? {
        outputs.push(output.read_any_async().await?);
    }
    Ok(outputs)
}

/// JavaScript gives two.
fn two(numbers: &[usize]) -> [usize; 2] {
    [0, 1].map(|index| numbers.get(index).copied().unwrap_or_default())
}

fn sides(padding: &[i32]) -> Result<Padding2d> {
    let padding: Vec<isize> = padding.iter().map(|&side| side as isize).collect();
    Padding2d::from_slice(&padding).map_err(|error| thrown(&error))
}

fn mode_of(name: &str) -> Result<PaddingMode> {
    name.parse().map_err(|error| thrown(&error))
}
