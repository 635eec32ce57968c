//! Pooling. The indices of maxima count over the whole tensor.

use ndarray::ArrayD;

use super::builder::{Value, signed};
use super::cast::cast_to;
use super::node::Node;
use super::node::unsupported;
use super::window::{AutoPad, extents, numbers, per_axis, windows};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::{AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, AxisWindow, Binary, Conv, IndexOrder, LpPool, MaxPool, Pad};
use crate::padding::{Padding, Sides, sides};
use crate::shape::{PerAxis, by};

/// What all kinds of pooling have.
struct Pooling {
    input: Value,
    windows: Vec<AxisWindow>,
    ceil_mode: bool,
}

impl Pooling {
    fn new(node: &mut Node<'_, '_>) -> Result<Self> {
        let input = node.input(0)?;
        let extents = extents(&input)?;
        let kernel = numbers(node, "kernel_shape", 1, extents.len())?;
        let kernel = kernel.ok_or_else(|| Error::Onnx("kernel_shape is missing".to_owned()))?;
        let mut windows = windows(node, &extents, &kernel)?;
        let auto = AutoPad::of(node)?;
        for window in &mut windows {
            auto.pad(window);
        }
        Ok(Self {
            input,
            windows,
            ceil_mode: node.flag("ceil_mode", false)?,
        })
    }

    fn each<T: Copy>(&self, each: impl Fn(&AxisWindow) -> T) -> Result<PerAxis<T>> {
        per_axis(&self.windows, each)
    }

    fn kernel(&self) -> Result<PerAxis> {
        self.each(|window| window.kernel)
    }

    fn stride(&self) -> Result<PerAxis> {
        self.each(|window| window.stride)
    }

    fn dilation(&self) -> Result<PerAxis> {
        self.each(|window| window.dilation)
    }

    fn padding(&self) -> Result<Padding> {
        self.each(|window| window.padding)
    }

    /// Whether padding is over half of the dilated kernel, PyTorch's limit, which ONNX does not have.
    fn is_over_half(&self) -> bool {
        let over = |window: &AxisWindow| {
            let reach = window.reach().unwrap_or(usize::MAX);
            window.padding.before.max(window.padding.after) as usize > reach / 2
        };
        self.windows.iter().any(over)
    }

    /// The same windows with the padding with which exactly they fit, none of them beyond it: what overhangs in ceil mode is
    /// padded, a last window that starts past the input is not reached. Their outputs are their number.
    fn exact(&self) -> Result<Vec<AxisWindow>> {
        let exact = |window: &AxisWindow| {
            let windows = window.windows(self.ceil_mode)?;
            let start = window.input.checked_add_signed(window.padding.before)?;
            let end = windows
                .checked_sub(1)?
                .checked_mul(window.stride)?
                .checked_add(window.reach()?)?;
            Some(AxisWindow {
                padding: Sides::new(window.padding.before, isize::try_from(end.saturating_sub(start)).ok()?),
                output: windows,
                ..*window
            })
        };
        let windows: Option<Vec<AxisWindow>> = self.windows.iter().map(exact).collect();
        windows.ok_or_else(|| {
            let each = |extent: fn(&AxisWindow) -> usize| by(&self.windows.iter().map(extent).collect::<Vec<_>>());
            let padding: Vec<Sides> = self.windows.iter().map(|window| window.padding).collect();
            Error::Onnx(format!(
                "a kernel of {} with dilations {} does not fit an input of {} with padding {}",
                each(|window| window.kernel),
                each(|window| window.dilation),
                each(|window| window.input),
                sides(&padding)
            ))
        })
    }

    /// Pads the input by itself, so that the windows need no padding.
    fn pad_before(&mut self, node: &mut Node<'_, '_>, value: f32) -> Result<()> {
        let padding = per_axis(&self.exact()?, |window| window.padding)?;
        self.input = node.emit(Pad::new(padding).value(value), &[&self.input])?;
        for window in &mut self.windows {
            window.padding = Sides::NONE;
        }
        self.ceil_mode = false;
        Ok(())
    }

    /// The average as a depthwise convolution with ones, over the number of elements that count: for dilated windows and
    /// padding of any size.
    fn average_by_convolution(&self, node: &mut Node<'_, '_>, count_include_pad: bool) -> Result<Value> {
        let exact = self.exact()?;
        let channels = self.input.shape()[1];
        let kernel = exact.iter().map(|window| window.kernel);
        let weight: Vec<usize> = [channels, 1].into_iter().chain(kernel).collect();
        let elements = tensor::element_count("the window of ones", &weight)?;
        node.budget().charge("the window of ones", elements, 4)?;
        let op = Conv::new()
            .stride(self.stride()?)
            .dilation(self.dilation()?)
            .padding(per_axis(&exact, |window| window.padding)?)
            .groups(channels);
        let weight = Value::Host(ArrayD::from_elem(weight, 1.0).into());
        let sums = node.emit(op, &[&self.input, &weight])?;

        let mut counts = Vec::with_capacity(exact.len());
        let mut divisors = 1_usize;
        for (window, given) in exact.iter().zip(&self.windows) {
            node.budget().charge("the elements of each window", window.output, 8)?;
            counts.push(elements_of(window, given.padding, count_include_pad));
            divisors = divisors.saturating_mul(window.output);
        }
        node.budget().charge("the elements of each window", divisors, 4)?;
        let shape: Vec<usize> = [1, 1].into_iter().chain(exact.iter().map(|window| window.output)).collect();
        // The sum of none is 0 and stays so.
        let divisors = ArrayD::from_shape_fn(shape, |place| {
            let elements = counts.iter().enumerate().map(|(axis, counts)| counts[place[2 + axis]]);
            elements.product::<usize>().max(1) as f32
        });
        node.emit(Binary::Div, &[&sums, &Value::Host(divisors.into())])
    }
}

/// How many taps of each window count along an axis: those inside the input or, with the padding that was given, in it as well.
fn elements_of(window: &AxisWindow, given: Sides, count_include_pad: bool) -> Vec<usize> {
    let (before, after) = (given.before as usize, given.after as usize);
    let counted = if count_include_pad {
        0..before + window.input + after
    } else {
        before..before + window.input
    };
    // Taps of a window before this place.
    let taps = |start: usize, end: usize| end.saturating_sub(start).div_ceil(window.dilation).min(window.kernel);
    (0..window.output)
        .map(|index| index * window.stride)
        .map(|start| taps(start, counted.end) - taps(start, counted.start))
        .collect()
}

pub(super) fn max_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let index_order = match node.int("storage_order", 0)? {
        0 => IndexOrder::Tensor,
        1 => IndexOrder::TensorByColumns,
        other => return Err(Error::Onnx(format!("storage_order is {other}; it must be 0 or 1"))),
    };
    let mut pooling = Pooling::new(node)?;
    let dtype = pooling.input.dtype().unwrap_or(DType::F32);
    if matches!(dtype, DType::U8 | DType::I8) {
        // Floats have all numbers of eight bits.
        pooling.input = cast_to(node, &pooling.input, DType::F32)?;
    }
    let return_indices = node.is_used(1);
    if return_indices && pooling.is_over_half() {
        return Err(unsupported("indices where the padding is more than half of the kernel"));
    }
    if pooling.is_over_half() {
        pooling.pad_before(node, f32::NEG_INFINITY)?;
    }
    let op = MaxPool::new(pooling.kernel()?)
        .stride(pooling.stride()?)
        .dilation(pooling.dilation()?)
        .padding(pooling.padding()?)
        .ceil_mode(pooling.ceil_mode)
        .return_indices(return_indices)
        .index_order(index_order);
    let mut outputs = node.emit_all(op, &[&pooling.input])?;
    outputs[0] = cast_to(node, &outputs[0], dtype)?;
    Ok(outputs)
}

pub(super) fn average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let pooling = Pooling::new(node)?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    if !pooling.dilation()?.is_all(1) || pooling.is_over_half() {
        return Ok(vec![pooling.average_by_convolution(node, count_include_pad)?]);
    }
    let op = AvgPool::new(pooling.kernel()?)
        .stride(pooling.stride()?)
        .padding(pooling.padding()?)
        .ceil_mode(pooling.ceil_mode)
        .count_include_pad(count_include_pad);
    node.emit_one(op, &[&pooling.input])
}

pub(super) fn lp_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let p = node.int("p", 2)?;
    let p = u32::try_from(p).map_err(|_| Error::Onnx(format!("p is {p}")))?;
    let mut pooling = Pooling::new(node)?;
    if pooling.is_over_half() {
        pooling.pad_before(node, 0.0)?;
    }
    if let [depth, plane @ ..] = &pooling.windows[..]
        && plane.len() == 2
    {
        return Ok(vec![norm_of_volume(node, p, &pooling, depth, plane)?]);
    }
    let op = LpPool::new(p, pooling.kernel()?)
        .stride(pooling.stride()?)
        .dilation(pooling.dilation()?)
        .padding(pooling.padding()?)
        .ceil_mode(pooling.ceil_mode);
    node.emit_one(op, &[&pooling.input])
}

/// The norm of norms: of each window's planes first, then along its depth.
fn norm_of_volume(node: &mut Node<'_, '_>, p: u32, pooling: &Pooling, depth: &AxisWindow, plane: &[AxisWindow]) -> Result<Value> {
    let &[images, channels, slices, height, width] = pooling.input.shape() else {
        return Err(Error::Onnx(format!(
            "expected a volume, but got shape {:?}",
            pooling.input.shape()
        )));
    };
    let planes = LpPool::new(p, per_axis(plane, |window| window.kernel)?)
        .stride(per_axis(plane, |window| window.stride)?)
        .dilation(per_axis(plane, |window| window.dilation)?)
        .padding(per_axis(plane, |window| window.padding)?)
        .ceil_mode(pooling.ceil_mode);
    let flat = node.reshape(&pooling.input, &signed(&[images, channels * slices, height, width]))?;
    let norms = node.emit(planes, &[&flat])?;
    let extents = norms.shape()[2..].to_vec();
    let along = LpPool::new(p, [depth.kernel, 1])
        .stride([depth.stride, 1])
        .dilation([depth.dilation, 1])
        .padding(Padding::from([depth.padding, Sides::NONE]))
        .ceil_mode(pooling.ceil_mode);
    let columns = extents.iter().product();
    let flat = node.reshape(&norms, &signed(&[images, channels, slices, columns]))?;
    let norms = node.emit(along, &[&flat])?;
    let shape = [&[images, channels, norms.shape()[2]], &extents[..]].concat();
    node.reshape(&norms, &signed(&shape))
}

/// Of one window that has all elements of a channel.
pub(super) fn global_lp_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let p = node.int("p", 2)?;
    let p = u32::try_from(p).map_err(|_| Error::Onnx(format!("p is {p}")))?;
    let input = node.input(0)?;
    let [images, channels, extents @ ..] = input.shape() else {
        return Err(Error::Onnx(format!("an input of shape {:?} has no channels", input.shape())));
    };
    let elements: usize = extents.iter().product();
    let rows = node.reshape(&input, &[*images as isize, *channels as isize, elements as isize])?;
    let norms = node.emit(LpPool::new(p, [elements]), &[&rows])?;
    let mut shape = vec![1; input.shape().len()];
    (shape[0], shape[1]) = (*images as isize, *channels as isize);
    Ok(vec![node.reshape(&norms, &shape)?])
}

pub(super) fn global_average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    extents(&input)?;
    node.emit_one(AdaptiveAvgPool::global(), &[&input])
}

pub(super) fn global_max_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    extents(&input)?;
    node.emit_one(AdaptiveMaxPool::global(), &[&input])
}
