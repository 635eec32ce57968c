//! The tensors of a file: read on several threads, straight to where they stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytemuck::Pod;
use half::f16;
use ndarray::{ArrayD, IxDyn};

use super::checksum::Checksum;
use super::code::structs;
use super::file::{Bytes, Source, padded, read_part};
use super::refusal::wrong;
use crate::cancel::Watch;
use crate::content;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::room::zeros;
use crate::shape::element_count;
use crate::tensor::{Tensor, each};

/// What a file says of a tensor. Their places follow from their lengths.
#[derive(Debug)]
pub(super) struct Stored {
    dtype: DType,
    shape: Vec<usize>,
    checksum: u64,
}

structs! {
    Stored { dtype: DType, shape: Vec<usize>, checksum: u64 }
}

impl Stored {
    /// Of a tensor in row-major order.
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            checksum: Checksum::of(bytes(tensor)),
        }
    }

    fn elements(&self) -> Result<usize> {
        element_count("tensor", &self.shape).map_err(|error| wrong(error.to_string()))
    }
}

/// The elements of a tensor in row-major order.
pub(super) fn bytes(tensor: &Tensor) -> &[u8] {
    each!(Tensor, tensor, array => content::bytes(array.as_slice().unwrap_or_default()))
}

/// Reads all tensors, which lie between these places and fill what is between them.
pub(super) fn read(bytes: Bytes<'_>, stored: &[Stored], start: u64, end: u64) -> Result<Vec<Arc<Tensor>>> {
    let mut places = Vec::with_capacity(stored.len());
    let mut place = start;
    for tensor in stored {
        places.push(place);
        let length = (tensor.elements()? as u64).checked_mul(tensor.dtype.bytes() as u64);
        let next = length.and_then(padded).and_then(|length| place.checked_add(length));
        place = next.filter(|&next| next <= end).ok_or_else(|| {
            let kind = crate::dtype::TensorType::new(tensor.dtype, tensor.shape.as_slice());
            wrong(format!(
                "expected room for a tensor {kind}, but {} bytes are left",
                end - place
            ))
        })?;
    }
    if place != end {
        return Err(wrong(format!("expected tensors up to byte {end}, but they end at {place}")));
    }
    on_threads(bytes, stored, &places)
}

/// Each tensor read by one of as many threads as there are cores.
fn on_threads(bytes: Bytes<'_>, stored: &[Stored], places: &[u64]) -> Result<Vec<Arc<Tensor>>> {
    let next = AtomicUsize::new(0);
    let watch = Watch::current();
    let read = || {
        let mut read = Vec::new();
        let mut from = bytes.open()?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(tensor), Some(&place)) = (stored.get(index), places.get(index)) else {
                return Ok(read);
            };
            read.push((index, tensor.read(&mut *from, place)?));
        }
    };
    let mut tensors: Vec<Option<Arc<Tensor>>> = vec![None; stored.len()];
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(stored.len());
    let parts: Vec<Result<Vec<(usize, Tensor)>>> = std::thread::scope(|scope| {
        let spawn = |_| {
            let work = || watch.clone().entered(read);
            // Without another thread this one reads by itself.
            std::thread::Builder::new().spawn_scoped(scope, work).ok()
        };
        let others: Vec<_> = (1..threads).map(spawn).collect();
        let own = read();
        let stopped = || Err(Error::Internal("a thread that reads tensors ended".to_owned()));
        let others = others
            .into_iter()
            .flatten()
            .map(|other| other.join().unwrap_or_else(|_| stopped()));
        std::iter::once(own).chain(others).collect()
    });
    for part in parts {
        for (index, tensor) in part? {
            tensors[index] = Some(Arc::new(tensor));
        }
    }
    let all: Option<Vec<Arc<Tensor>>> = tensors.into_iter().collect();
    all.ok_or_else(|| Error::Internal("a tensor was not read".to_owned()))
}

impl Stored {
    fn read(&self, from: &mut dyn Source, place: u64) -> Result<Tensor> {
        match self.dtype {
            DType::F32 => self.elements_of::<f32>(from, place),
            DType::F16 => self.elements_of::<f16>(from, place),
            DType::I64 => self.elements_of::<i64>(from, place),
            DType::I32 => self.elements_of::<i32>(from, place),
            DType::U8 => self.elements_of::<u8>(from, place),
            DType::I8 => self.elements_of::<i8>(from, place),
            DType::Bool => {
                let bits = self.vector::<u8>(from, place)?;
                if let Some(other) = bits.iter().find(|&&bit| bit > 1) {
                    return Err(wrong(format!("expected 0 or 1 for a bool, but got {other}")));
                }
                self.arranged(bits.into_iter().map(|bit| bit != 0).collect())
            }
        }
    }

    fn elements_of<T: crate::tensor::Element + Pod>(&self, from: &mut dyn Source, place: u64) -> Result<Tensor> {
        self.arranged(self.vector::<T>(from, place)?)
    }

    fn arranged<T: crate::tensor::Element>(&self, elements: Vec<T>) -> Result<Tensor> {
        let array = ArrayD::from_shape_vec(IxDyn(&self.shape), elements);
        Ok(array
            .map_err(|error| wrong(format!("a tensor of shape {:?}: {error}", self.shape)))?
            .into())
    }

    fn vector<T: Pod + Default>(&self, from: &mut dyn Source, place: u64) -> Result<Vec<T>> {
        let count = self.elements()?;
        let mut elements = zeros("compiled model", count)?;
        read_part(from, place, bytemuck::cast_slice_mut(&mut elements), self.checksum)?;
        Ok(elements)
    }
}
