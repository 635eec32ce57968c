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
pub(super) const FLOAT8E4M3FN: i32 = 17;
pub(super) const FLOAT8E4M3FNUZ: i32 = 18;
pub(super) const FLOAT8E5M2: i32 = 19;
pub(super) const FLOAT8E5M2FNUZ: i32 = 20;
pub(super) const UINT4: i32 = 21;
pub(super) const INT4: i32 = 22;
pub(super) const FLOAT4E2M1: i32 = 23;
pub(super) const FLOAT8E8M0: i32 = 24;
pub(super) const UINT2: i32 = 25;
pub(super) const INT2: i32 = 26;

/// The types' names and, where they can be read, their bits an element, in the order of their numbers.
const TYPES: [(&str, usize); 27] = [
    ("UNDEFINED", 0),
    ("FLOAT", 32),
    ("UINT8", 8),
    ("INT8", 8),
    ("UINT16", 16),
    ("INT16", 16),
    ("INT32", 32),
    ("INT64", 64),
    ("STRING", 0),
    ("BOOL", 8),
    ("FLOAT16", 16),
    ("DOUBLE", 64),
    ("UINT32", 32),
    ("UINT64", 64),
    ("COMPLEX64", 0),
    ("COMPLEX128", 0),
    ("BFLOAT16", 16),
    ("FLOAT8E4M3FN", 8),
    ("FLOAT8E4M3FNUZ", 8),
    ("FLOAT8E5M2", 8),
    ("FLOAT8E5M2FNUZ", 8),
    ("UINT4", 4),
    ("INT4", 4),
    ("FLOAT4E2M1", 4),
    ("FLOAT8E8M0", 8),
    ("UINT2", 2),
    ("INT2", 2),
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

/// The type of tensors of these elements, where there is one. Real numbers of every width are `f32`, which holds all of those that are
/// narrower. Whole numbers that have no type of their own are held in the next wider one.
pub(super) fn dtype(number: i32) -> Option<DType> {
    Some(match number {
        FLOAT | FLOAT16 | DOUBLE | BFLOAT16 => DType::F32,
        FLOAT8E4M3FN | FLOAT8E4M3FNUZ | FLOAT8E5M2 | FLOAT8E5M2FNUZ | FLOAT4E2M1 | FLOAT8E8M0 => DType::F32,
        UINT8 | UINT4 | UINT2 => DType::U8,
        INT8 | INT4 | INT2 => DType::I8,
        INT32 | INT16 | UINT16 => DType::I32,
        INT64 | UINT32 | UINT64 => DType::I64,
        BOOL => DType::Bool,
        _ => return None,
    })
}

/// The bits of a type of whole numbers, and whether it has negative ones.
pub(super) fn whole_bits(number: i32) -> Option<(u32, bool)> {
    Some(match number {
        UINT2 => (2, false),
        INT2 => (2, true),
        UINT4 => (4, false),
        INT4 => (4, true),
        UINT8 => (8, false),
        INT8 => (8, true),
        UINT16 => (16, false),
        INT16 => (16, true),
        UINT32 => (32, false),
        INT32 => (32, true),
        UINT64 => (64, false),
        INT64 => (64, true),
        _ => return None,
    })
}

/// Whether elements of the type are held in a wider one, which has numbers that the type has not.
pub(super) fn is_widened(number: i32) -> bool {
    dtype(number).is_some_and(|dtype| self::number(dtype) != number)
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

/// Bits an element, or `None` for types that are not read.
pub(super) fn type_bits(number: i32) -> Option<usize> {
    let (_, bits) = TYPES.get(usize::try_from(number).ok()?)?;
    (*bits > 0).then_some(*bits)
}

/// Whether elements of the type have fewer bits than any type of tensors while the network runs, or are floats of eight.
pub(super) fn is_of_few_bits(number: i32) -> bool {
    (FLOAT8E4M3FN..=INT2).contains(&number)
}

/// Whether the type holds whole numbers, bool included.
pub(super) fn is_integer(number: i32) -> bool {
    dtype(number).is_some_and(|dtype| !dtype.is_float())
}

/// Whether the type holds real numbers that are read.
pub(super) fn is_real(number: i32) -> bool {
    dtype(number) == Some(DType::F32)
}
