//! Element types by their numbers in `TensorProto.DataType`.

use crate::dtype::DType;

/// `TensorProto.DataType`'s number for `f32`.
pub(super) const FLOAT: i32 = 1;

/// `TensorProto.DataType`'s number for `f64`, which is rounded to `f32`.
pub(super) const DOUBLE: i32 = 11;

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
    ("FLOAT16", 0),
    ("DOUBLE", 8),
    ("UINT32", 4),
    ("UINT64", 8),
    ("COMPLEX64", 0),
    ("COMPLEX128", 0),
    ("BFLOAT16", 0),
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

/// The type of tensors of these elements, where there is one.
pub(super) fn dtype(number: i32) -> Option<DType> {
    Some(match number {
        FLOAT => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        6 => DType::I32,
        7 => DType::I64,
        9 => DType::Bool,
        10 => DType::F16,
        _ => return None,
    })
}

/// Bytes an element, or `None` for types that are not read.
pub(super) fn type_size(number: i32) -> Option<usize> {
    let (_, size) = TYPES.get(usize::try_from(number).ok()?)?;
    (*size > 0).then_some(*size)
}

/// Whether the type holds whole numbers, bool included.
pub(super) fn is_integer(number: i32) -> bool {
    matches!(number, 2..=7 | 9 | 12 | 13)
}
