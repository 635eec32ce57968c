//! Element types by their numbers in `TensorProto.DataType`.

use crate::dtype::DType;

pub(super) const FLOAT: i32 = 1;
pub(super) const UINT8: i32 = 2;
pub(super) const INT8: i32 = 3;
pub(super) const UINT16: i32 = 4;
pub(super) const INT16: i32 = 5;
pub(super) const INT32: i32 = 6;
pub(super) const INT64: i32 = 7;
pub(super) const BOOL: i32 = 9;
pub(super) const FLOAT16: i32 = 10;
pub(super) const DOUBLE: i32 = 11;
pub(super) const UINT32: i32 = 12;
pub(super) const UINT64: i32 = 13;
pub(super) const BFLOAT16: i32 = 16;

/// The types' names and, where they can be read, their bytes an element, in the order of their numbers.
const TYPES: [(&str, usize); 27] = [
    ("UNDEFINED", 0),
    ("FLOAT", 4),
    ("UINT8", 1),
    ("INT8", 1),
    ("UINT16", 2),
    ("INT16", 2),
    ("INT32", 4),
    ("INT64", 8),
    ("STRING", 0),
    ("BOOL", 1),
    ("FLOAT16", 2),
    ("DOUBLE", 8),
    ("UINT32", 4),
    ("UINT64", 8),
    ("COMPLEX64", 0),
    ("COMPLEX128", 0),
    ("BFLOAT16", 2),
    ("FLOAT8E4M3FN", 0),
    ("FLOAT8E4M3FNUZ", 0),
    ("FLOAT8E5M2", 0),
    ("FLOAT8E5M2FNUZ", 0),
    ("UINT4", 0),
    ("INT4", 0),
    ("FLOAT4E2M1", 0),
    ("FLOAT8E8M0", 0),
    ("UINT2", 0),
    ("INT2", 0),
];

/// ONNX's name of an element type.
pub(super) fn type_name(number: i32) -> String {
    match usize::try_from(number).ok().and_then(|number| TYPES.get(number)) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("element type {number}"),
    }
}

/// An element type's number by its name.
pub(super) fn number_of(name: &str) -> Option<i32> {
    TYPES.iter().position(|&(known, _)| known == name).map(|number| number as i32)
}

/// The type of tensors of these elements while the network runs, where there is one. Real numbers of every width are `f32`.
pub(super) fn dtype(number: i32) -> Option<DType> {
    Some(match number {
        FLOAT | FLOAT16 | DOUBLE | BFLOAT16 => DType::F32,
        UINT8 => DType::U8,
        INT8 => DType::I8,
        INT32 => DType::I32,
        INT64 => DType::I64,
        BOOL => DType::Bool,
        _ => return None,
    })
}

/// ONNX's number for a type.
pub(super) const fn number(dtype: DType) -> i32 {
    match dtype {
        DType::F32 => FLOAT,
        DType::F16 => FLOAT16,
        DType::I64 => INT64,
        DType::I32 => INT32,
        DType::U8 => UINT8,
        DType::I8 => INT8,
        DType::Bool => BOOL,
    }
}

/// The type of tensors of these elements that are known before the network runs. Those of whole numbers that have none of their
/// own are held as `i64`.
pub(super) fn known_dtype(number: i32) -> Option<DType> {
    match number {
        UINT16 | INT16 | UINT32 | UINT64 => Some(DType::I64),
        _ => dtype(number),
    }
}

/// Bytes an element, or `None` for types that are not read.
pub(super) fn type_size(number: i32) -> Option<usize> {
    let (_, size) = TYPES.get(usize::try_from(number).ok()?)?;
    (*size > 0).then_some(*size)
}

/// Whether the type holds whole numbers, bool included.
pub(super) fn is_integer(number: i32) -> bool {
    known_dtype(number).is_some_and(|dtype| !dtype.is_float())
}

/// Whether the type holds real numbers that are read.
pub(super) fn is_real(number: i32) -> bool {
    dtype(number) == Some(DType::F32)
}
