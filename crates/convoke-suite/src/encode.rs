//! ONNX's messages as bytes: what the suite's models and tensors need of protobuf.

use convoke::Tensor;

/// A message under way. Numbers of fields are those of `onnx.proto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn whole(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    pub(crate) fn real(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub(crate) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(crate) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value > 127 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// The number of a tensor's element type in `TensorProto.DataType`, and its elements as `raw_data`.
fn raw(tensor: &Tensor) -> Result<(i64, Vec<u8>), String> {
    Ok(match tensor {
        Tensor::F32(array) => (1, array.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Tensor::U8(array) => (2, array.iter().copied().collect()),
        Tensor::I8(array) => (3, array.iter().map(|&x| x as u8).collect()),
        Tensor::I32(array) => (6, array.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Tensor::I64(array) => (7, array.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Tensor::Bool(array) => (9, array.iter().map(|&x| u8::from(x)).collect()),
        other => return Err(format!("tensors of {} are not written", other.dtype())),
    })
}

/// A `TensorProto`.
///
/// Errors: an element type that the suite does not use.
pub(crate) fn tensor(name: &str, tensor: &Tensor) -> Result<Message, String> {
    let (kind, raw) = raw(tensor)?;
    let dims = tensor.shape().iter();
    let message = dims.fold(Message::default(), |message, &dim| message.whole(1, dim as i64));
    Ok(message.whole(2, kind).text(8, name).bytes(9, &raw))
}

/// A `ValueInfoProto`: of a tensor like this one, or, without a shape, of one of this element type.
pub(crate) fn value_info(name: &str, kind: i64, shape: Option<&[usize]>) -> Message {
    let mut inner = Message::default().whole(1, kind);
    if let Some(shape) = shape {
        let dim = |&dim: &usize| Message::default().whole(1, dim as i64);
        let shape = shape.iter().map(dim);
        inner = inner.message(2, &shape.fold(Message::default(), |message, dim| message.message(1, &dim)));
    }
    Message::default()
        .text(1, name)
        .message(2, &Message::default().message(1, &inner))
}

/// The number of a tensor's element type.
pub(crate) fn kind(tensor: &Tensor) -> Result<i64, String> {
    Ok(raw(tensor)?.0)
}
