//! Tensors from `.npy` files and to them.

use std::io::Write;

use convoke::{DType, Element, Tensor};
use half::f16;
use ndarray::{ArrayD, ArrayViewD};
use ndarray_npy::{ViewElement, ViewNpyError, ViewNpyExt, WriteNpyExt};

/// 16-bit floats in a header. `ndarray-npy` has none, but whole numbers of as many bits, whose name is as long.
const F16: (&[u8], &[u8]) = (b"'<f2'", b"'<u2'");

/// In which part of a file its header names the type of elements.
const HEADER: usize = 128;

/// A tensor of this type. `f32` is read from arrays of `f32`, of `f64`, which is rounded, of `f16`, or of whole numbers and booleans,
/// which must be exact; any other type from arrays of that type alone. The header is not trusted: the elements must be there.
///
/// Errors: a message for people that does not name the file.
pub fn parse(bytes: &[u8], dtype: DType) -> Result<Tensor, String> {
    // Aligned for any type.
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    let aligned = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    let is_f16 = rename(aligned, F16.0, F16.1);
    let bytes = &*aligned;
    match dtype {
        _ if is_f16 && !dtype.is_float() => Err(format!("an array of {}, but {dtype} is expected", DType::F16)),
        DType::F32 if is_f16 => Ok(halves(bytes)?.mapv(f32::from).into()),
        DType::F32 => reals(bytes).map(Tensor::from),
        DType::F16 if is_f16 => halves(bytes).map(Tensor::from),
        DType::I64 => own::<i64>(bytes),
        DType::I32 => own::<i32>(bytes),
        DType::U8 => own::<u8>(bytes),
        DType::I8 => own::<i8>(bytes),
        DType::Bool => own::<bool>(bytes),
        other => Err(format!("an array of another type, but {other} is expected")),
    }
}

/// A tensor of the type that the file has: floats of any width as `f32`, other numbers that there are no tensors of likewise, where
/// they are exact.
///
/// Errors: as [`parse`].
pub fn parse_any(bytes: &[u8]) -> Result<Tensor, String> {
    let header = &bytes[..bytes.len().min(HEADER)];
    let has = |name: &str| header.windows(name.len()).any(|part| part == name.as_bytes());
    let types = [
        ("'<i8'", DType::I64),
        ("'<i4'", DType::I32),
        ("'|u1'", DType::U8),
        ("'|i1'", DType::I8),
        ("'|b1'", DType::Bool),
    ];
    let known = types.into_iter().find(|(name, _)| has(name));
    parse(bytes, known.map_or(DType::F32, |(_, dtype)| dtype))
}

/// Writes a tensor in its own type.
pub fn write(tensor: &Tensor, file: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
    Ok(match tensor {
        Tensor::F16(array) => {
            let mut bytes = Vec::new();
            array.mapv(f16::to_bits).write_npy(&mut bytes)?;
            rename(&mut bytes, F16.1, F16.0);
            return Ok(file.write_all(&bytes)?);
        }
        Tensor::I64(array) => array.write_npy(file),
        Tensor::I32(array) => array.write_npy(file),
        Tensor::U8(array) => array.write_npy(file),
        Tensor::I8(array) => array.write_npy(file),
        Tensor::Bool(array) => array.write_npy(file),
        other => other.to_f32().write_npy(file),
    }?)
}

/// Puts one type's name in the place of another in a header, where it is there.
fn rename(bytes: &mut [u8], from: &[u8], to: &[u8]) -> bool {
    let header = bytes.len().min(HEADER);
    let place = bytes[..header].windows(from.len()).position(|part| part == from);
    if let Some(place) = place {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    place.is_some()
}

/// Floats of 16 bits, whose header has another name.
fn halves(bytes: &[u8]) -> Result<ArrayD<f16>, String> {
    match ArrayViewD::<u16>::view_npy(bytes) {
        Ok(view) => Ok(view.mapv(f16::from_bits)),
        Err(error) => Err(unreadable(&error)),
    }
}

/// An array of this type and no other.
fn own<T: ViewElement + Element>(bytes: &[u8]) -> Result<Tensor, String> {
    match ArrayViewD::<T>::view_npy(bytes) {
        Ok(view) => Ok(view.to_owned().into()),
        Err(ViewNpyError::WrongDescriptor(found)) => Err(format!("an array of {found}, but {} is expected", T::DTYPE)),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &ViewNpyError) -> String {
    format!("not a readable .npy file: {error}")
}

fn reals(bytes: &[u8]) -> Result<ArrayD<f32>, String> {
    // A type that is not the file's is found in its header.
    let readers: [Reader; 11] = [
        |bytes| view(bytes, |value: f32| Ok(value)),
        |bytes| view(bytes, |value: f64| Ok(value as f32)),
        |bytes| view(bytes, |value: u8| Ok(value.into())),
        |bytes| view(bytes, |value: i8| Ok(value.into())),
        |bytes| view(bytes, |value: u16| Ok(value.into())),
        |bytes| view(bytes, |value: i16| Ok(value.into())),
        |bytes| view(bytes, |value: bool| Ok(f32::from(u8::from(value)))),
        |bytes| view(bytes, |value: u32| exact(value.into())),
        |bytes| view(bytes, |value: i32| exact(value.into())),
        |bytes| view(bytes, |value: u64| exact(value.into())),
        |bytes| view(bytes, |value: i64| exact(value.into())),
    ];
    let mut other = String::new();
    for read in readers {
        match read(bytes) {
            Ok(array) => return Ok(array),
            Err(Unread::OtherType(found)) => other = found,
            Err(Unread::Error(error)) => return Err(error),
        }
    }
    Err(format!(
        "an array of {other}, but floats of 16, 32 or 64 bits, whole numbers or booleans are expected"
    ))
}

/// Reads an array of one type.
type Reader = fn(&[u8]) -> Result<ArrayD<f32>, Unread>;

enum Unread {
    /// An array of another type than asked for.
    OtherType(String),
    Error(String),
}

/// An array of this type, each element made an `f32`.
fn view<T: ViewElement + Copy>(bytes: &[u8], convert: impl Fn(T) -> Result<f32, String>) -> Result<ArrayD<f32>, Unread> {
    let view = match ArrayViewD::<T>::view_npy(bytes) {
        Ok(view) => view,
        Err(ViewNpyError::WrongDescriptor(found)) => return Err(Unread::OtherType(found.to_string())),
        Err(error) => return Err(Unread::Error(unreadable(&error))),
    };
    let mut inexact = None;
    let array = view.mapv(|value| {
        convert(value).unwrap_or_else(|error| {
            inexact.get_or_insert(error);
            f32::NAN
        })
    });
    inexact.map_or(Ok(array), |error| Err(Unread::Error(error)))
}

/// A whole number that `f32` holds.
fn exact(value: i128) -> Result<f32, String> {
    let rounded = value as f32;
    if rounded as i128 == value {
        return Ok(rounded);
    }
    Err(format!(
        "an element is {value}, and the next number of f32 is {rounded}: whole numbers must be exact"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};
    use ndarray_npy::{WritableElement, WriteNpyExt};

    fn npy<T: WritableElement + Clone>(values: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        Array1::from_vec(values.to_vec()).write_npy(&mut bytes).unwrap();
        bytes
    }

    fn read<T: WritableElement + Clone>(values: &[T]) -> Result<Vec<f32>, String> {
        let tensor = parse(&npy(values), DType::F32)?;
        Ok(tensor.to_f32().into_iter().collect())
    }

    #[test]
    fn arrays_of_every_kind_of_number_are_read() {
        assert_eq!(read(&[0.1_f32, -2.0]).unwrap(), [0.1, -2.0]);
        assert_eq!(read(&[0.1_f64]).unwrap(), [0.1]);
        assert_eq!(read(&[0_u8, 255]).unwrap(), [0.0, 255.0]);
        assert_eq!(read(&[-128_i8]).unwrap(), [-128.0]);
        assert_eq!(read(&[65535_u16]).unwrap(), [65535.0]);
        assert_eq!(read(&[-32768_i16]).unwrap(), [-32768.0]);
        assert_eq!(read(&[true, false]).unwrap(), [1.0, 0.0]);
        assert_eq!(read(&[1_u32 << 31]).unwrap(), [f32::exp2(31.0)]);
        assert_eq!(read(&[-7_i32]).unwrap(), [-7.0]);
        assert_eq!(read(&[1_u64 << 63]).unwrap(), [f32::exp2(63.0)]);
        assert_eq!(read(&[i64::MIN]).unwrap(), [-f32::exp2(63.0)]);
        let mut columns = Vec::new();
        let transposed = Array2::from_shape_vec((2, 3), (0_u8..6).collect()).unwrap().reversed_axes();
        transposed.write_npy(&mut columns).unwrap();
        assert_eq!(parse(&columns, DType::F32).unwrap().to_f32()[[2, 1]], 5.0);
    }

    #[test]
    fn whole_numbers_that_f32_cannot_hold_are_refused() {
        let message = read(&[1, 16_777_217_i32]).unwrap_err();
        assert!(message.contains("16777217"), "{message}");
        assert!(read(&[u64::MAX]).unwrap_err().contains("18446744073709551615"));
    }

    #[test]
    fn other_types_and_cut_files_are_named() {
        let mut bytes = npy(&[1.0_f64]);
        let type_name = bytes.windows(3).position(|part| part == b"<f8").unwrap();
        bytes[type_name..type_name + 3].copy_from_slice(b"<c8");
        assert!(
            parse(&bytes, DType::F32).unwrap_err().contains("'<c8'"),
            "{:?}",
            parse(&bytes, DType::F32)
        );
        let bytes = npy(&[1_u8, 2, 3]);
        assert!(
            parse(&bytes[..bytes.len() - 1], DType::F32)
                .unwrap_err()
                .contains("not a readable .npy file")
        );
    }

    #[test]
    fn tensors_of_every_type_come_back_as_they_were() {
        let numbers = ndarray::array![[0_i64, 1, 2], [3, 4, 5]];
        let tensors = [
            numbers.mapv(|x| x as f32 / 3.0).into(),
            numbers.mapv(|x| f16::from_f32(x as f32 / 3.0)).into(),
            numbers.mapv(|x| i64::MAX - x).into(),
            numbers.mapv(|x| x as i32 - 3).into(),
            numbers.mapv(|x| 250 + x as u8).into(),
            numbers.mapv(|x| -128 + x as i8).into(),
            numbers.mapv(|x| x % 2 == 1).into(),
        ];
        assert_eq!(tensors.each_ref().map(Tensor::dtype), DType::ALL);
        for tensor in tensors {
            let mut bytes = Vec::new();
            write(&tensor, &mut bytes).unwrap();
            assert_eq!(parse(&bytes, tensor.dtype()).unwrap(), tensor);
            for other in DType::ALL {
                if other != DType::F32 && other != tensor.dtype() {
                    let message = parse(&bytes, other).unwrap_err();
                    assert!(message.contains(&format!("{other} is expected")), "{message}");
                }
            }
        }
    }

    #[test]
    fn halves_are_read_as_floats() {
        let mut bytes = Vec::new();
        write(&ndarray::array![f16::from_f32(0.1), f16::INFINITY].into(), &mut bytes).unwrap();
        assert!(bytes.windows(5).any(|part| part == b"'<f2'"));
        let read = parse(&bytes, DType::F32).unwrap();
        assert_eq!(read, ndarray::array![f16::from_f32(0.1).to_f32(), f32::INFINITY].into());
    }
}
