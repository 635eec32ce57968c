//! ONNX files as trees of protobuf's fields, without regard to what they mean, and changes to one field of such a tree.

use convoke::testing::Random;

/// What a message is, as far as its fields are walked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Model,
    Graph,
    Function,
    Node,
    Attribute,
    Tensor,
    Sparse,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Kind {
    /// What the field with a number holds, where it is a message.
    fn message(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Model, 8) | (Self::Shape, 1) => Self::Leaf,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph | Self::Attribute, 5) | (Self::Sparse, 1 | 2) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::ValueInfo,
            (Self::Graph, 15) | (Self::Attribute, 22) => Self::Sparse,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }

    /// Whether the field with a number holds whole numbers one after another.
    fn is_packed(self, number: u64) -> bool {
        matches!(
            (self, number),
            (Self::Attribute, 8) | (Self::Tensor, 1 | 5 | 7) | (Self::Sparse, 3)
        )
    }
}

#[derive(Clone)]
pub(crate) struct Field {
    number: u64,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(Vec<u8>),
    Packed(Vec<u64>),
    Message(Vec<Field>),
}

/// The fields of a message; `None` where the bytes are none.
pub(crate) fn decode(mut bytes: &[u8], kind: Kind) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = key >> 3;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut bytes)?),
            1 => Value::Fixed64(take(&mut bytes, 8)?.try_into().ok()?),
            5 => Value::Fixed32(take(&mut bytes, 4)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let mut held = take(&mut bytes, length)?;
                if let Some(message) = kind.message(number) {
                    Value::Message(decode(held, message)?)
                } else if kind.is_packed(number) {
                    let mut numbers = Vec::new();
                    while !held.is_empty() {
                        numbers.push(varint(&mut held)?);
                    }
                    Value::Packed(numbers)
                } else {
                    Value::Bytes(held.to_vec())
                }
            }
            _ => return None,
        };
        fields.push(Field { number, value });
    }
    Some(fields)
}

pub(crate) fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field { number, value } in fields {
        let mut put = |wire: u64, length: Option<usize>, held: &[u8]| {
            put_varint(&mut bytes, number << 3 | wire);
            if let Some(length) = length {
                put_varint(&mut bytes, length as u64);
            }
            bytes.extend_from_slice(held);
        };
        let mut numbers = Vec::new();
        match value {
            Value::Varint(number) => {
                put_varint(&mut numbers, *number);
                put(0, None, &numbers);
            }
            Value::Fixed64(held) => put(1, None, held),
            Value::Fixed32(held) => put(5, None, held),
            Value::Bytes(held) => put(2, Some(held.len()), held),
            Value::Packed(held) => {
                for &number in held {
                    put_varint(&mut numbers, number);
                }
                put(2, Some(numbers.len()), &numbers);
            }
            Value::Message(fields) => {
                let held = encode(fields);
                put(2, Some(held.len()), &held);
            }
        }
    }
    bytes
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// All strings and other bytes of a tree, for one to be put in another's place.
pub(crate) fn strings(fields: &[Field], found: &mut Vec<Vec<u8>>) {
    for field in fields {
        match &field.value {
            Value::Bytes(bytes) if bytes.len() < 64 => found.push(bytes.clone()),
            Value::Message(fields) => strings(fields, found),
            _ => {}
        }
    }
}

/// The fields of a model's graph.
fn graph(model: &mut [Field]) -> Option<&mut Vec<Field>> {
    model.iter_mut().find_map(|field| match &mut field.value {
        Value::Message(fields) if field.number == 7 => Some(fields),
        _ => None,
    })
}

/// Changes one to three fields of a model. `words` are names and operators that files have.
pub(crate) fn change(model: &mut Vec<Field>, random: &mut Random, words: &[Vec<u8>]) {
    let mut own = Vec::new();
    strings(model, &mut own);
    for _ in 0..=random.below(3) {
        // Names that the file has elsewhere get further than others do; so does what is wrong in the graph.
        let words = if random.below(4) > 0 { &own } else { words };
        let whole = random.below(16) == 0;
        let fields = if whole { Some(&mut *model) } else { graph(model) };
        if let Some(fields) = fields {
            mutate(fields, random, words);
        }
    }
}

/// Changes one field, anywhere in the tree. `words` are names and operators that may be put where there are others.
fn mutate(fields: &mut Vec<Field>, random: &mut Random, words: &[Vec<u8>]) {
    if fields.is_empty() {
        return;
    }
    let place = random.below(fields.len());
    // Once in a while a message is changed as a whole, or else something within it.
    if let Value::Message(held) = &mut fields[place].value
        && random.below(5) > 0
    {
        return mutate(held, random, words);
    }
    match &mut fields[place].value {
        Value::Varint(number) => *number = whole_number(*number, random),
        Value::Packed(numbers) => change_numbers(numbers, random),
        Value::Fixed32(held) => *held = real_number(random).to_le_bytes(),
        Value::Fixed64(held) => *held = f64::from(real_number(random)).to_le_bytes(),
        Value::Bytes(bytes) => change_bytes(bytes, random, words),
        Value::Message(_) => change_order(fields, place, random),
    }
}

/// A number that is a limit of something, or near to what was there.
fn whole_number(now: u64, random: &mut Random) -> u64 {
    let limits: [i64; 16] = [
        0,
        1,
        -1,
        2,
        3,
        -2,
        7,
        64,
        65_535,
        1 << 24,
        1 << 31,
        -(1 << 31),
        1 << 33,
        1 << 62,
        i64::MAX,
        i64::MIN,
    ];
    match random.below(limits.len() + 4) {
        near if near < 4 => now.wrapping_add([1, u64::MAX, 2, 16][near]),
        limit => limits[limit - 4] as u64,
    }
}

fn real_number(random: &mut Random) -> f32 {
    [0.0, -0.0, 1.0, -1.0, 0.5, 1e-40, 1e30, -1e30, f32::INFINITY, f32::NAN][random.below(10)]
}

fn change_numbers(numbers: &mut Vec<u64>, random: &mut Random) {
    let place = random.below(numbers.len());
    match random.below(4) {
        0 if !numbers.is_empty() => drop(numbers.remove(place)),
        1 => numbers.insert(place, whole_number(1, random)),
        _ => {
            if let Some(number) = numbers.get_mut(place) {
                *number = whole_number(*number, random);
            }
        }
    }
}

fn change_bytes(bytes: &mut Vec<u8>, random: &mut Random, words: &[Vec<u8>]) {
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len())),
        // Elements of initializers: whole numbers of eight bytes, or floats.
        1 if bytes.len() >= 8 => {
            let place = random.below(bytes.len() / 8) * 8;
            bytes[place..place + 8].copy_from_slice(&whole_number(0, random).to_le_bytes());
        }
        2 if bytes.len() >= 4 => {
            let place = random.below(bytes.len() / 4) * 4;
            bytes[place..place + 4].copy_from_slice(&real_number(random).to_le_bytes());
        }
        _ => bytes.clone_from(words.get(random.below(words.len())).unwrap_or(&Vec::new())),
    }
}

fn change_order(fields: &mut Vec<Field>, place: usize, random: &mut Random) {
    let other = random.below(fields.len());
    match random.below(3) {
        0 => drop(fields.remove(place)),
        1 => fields.insert(other, fields[place].clone()),
        _ => {
            let (number, other_number) = (fields[place].number, fields[other].number);
            fields.swap(place, other);
            (fields[place].number, fields[other].number) = (number, other_number);
        }
    }
}
