//! The file: a header of 64 bytes, a description, and the tensors, each padded with zeros to a whole number of blocks.
//!
//! The header's own checksum and the description's stand in the header, the tensors' in the description, and every length follows from
//! what was checked before: no byte of the file is without a checksum, and nothing is allocated that the file is too short for.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::checksum::{BLOCK, Checksum};
use super::code::{Code, Reader, layout};
use super::refusal::wrong;
use crate::error::{Error, Result};

/// What every file begins with.
pub(super) const MAGIC: [u8; 16] = *b"convoke compiled";
/// Counts what changes beside the layout of the description, which a hash tells apart.
pub(super) const VERSION: u64 = 1;
const HEADER: usize = BLOCK;
/// Longer descriptions are refused: a million operators are shorter, and what is made of one stays within a few GiB.
const MOST_DESCRIPTION: u64 = 1 << 28;

/// The first block.
#[derive(Debug)]
struct Header {
    version: u64,
    layout: u64,
    description: u64,
    file: u64,
    description_checksum: u64,
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [
            self.version,
            self.layout,
            self.description,
            self.file,
            self.description_checksum,
        ] {
            number.write(&mut bytes);
        }
        Checksum::of(&bytes).write(&mut bytes);
        bytes
    }

    /// Reads the first block of a file of so many bytes, which was made by a convoke of this layout.
    fn read(bytes: &[u8], length: u64, layout: u64) -> Result<Self> {
        let Some((magic, rest)) = bytes.split_first_chunk().filter(|(magic, _)| **magic == MAGIC) else {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(MAGIC.len())]).into_owned();
            let expected = String::from_utf8_lossy(&MAGIC).into_owned();
            return Err(wrong(format!(
                "expected a file that begins with {expected:?}, but got {start:?}"
            )));
        };
        if bytes.len() < HEADER {
            return Err(wrong(format!("expected {HEADER} bytes at least, but got {length}")));
        }
        let mut numbers = Reader::new(rest);
        let mut number = || u64::read(&mut numbers);
        let header = Self {
            version: number()?,
            layout: number()?,
            description: number()?,
            file: number()?,
            description_checksum: number()?,
        };
        let checksum = number()?;
        if header.version != VERSION {
            return Err(wrong(format!(
                "expected format {VERSION}, but got {}: another convoke made it, and this one can make it anew from the model",
                header.version
            )));
        }
        let own = Checksum::of(&bytes[..size_of_val(magic) + 5 * size_of::<u64>()]);
        if checksum != own {
            return Err(changed("header", own, checksum));
        }
        if header.layout != layout {
            return Err(wrong(format!(
                "expected operators of layout {layout:016x}, but got {:016x}: another convoke made it, and this one can make it anew from \
                 the model",
                header.layout
            )));
        }
        if header.file != length {
            return Err(wrong(format!(
                "expected {} bytes, but got {length}: it was cut or added to",
                header.file
            )));
        }
        if header.description > MOST_DESCRIPTION.min(length) {
            return Err(wrong(format!("a description of {} bytes in {length}", header.description)));
        }
        Ok(header)
    }
}

fn changed(what: &str, own: u64, told: u64) -> Error {
    wrong(format!(
        "its {what} was changed: expected the checksum {told:016x}, but got {own:016x}"
    ))
}

/// So many bytes in whole blocks.
pub(super) fn padded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(BLOCK as u64)
}

/// Writes a header, this description, and parts that are padded.
pub(super) fn write<D: Code>(description: &D, parts: &[&[u8]], to: &mut dyn Write) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    description.write(&mut bytes);
    let lengths = parts.iter().map(|part| part.len()).chain([bytes.len()]);
    let header = Header {
        version: VERSION,
        layout: layout("file", &[D::LAYOUT]),
        description: bytes.len() as u64,
        file: HEADER as u64 + lengths.map(|length| length.next_multiple_of(BLOCK) as u64).sum::<u64>(),
        description_checksum: Checksum::of(&bytes),
    };
    to.write_all(&header.bytes())?;
    for part in [&bytes[..]].iter().chain(parts) {
        to.write_all(part)?;
        to.write_all(&[0; BLOCK][..part.len().next_multiple_of(BLOCK) - part.len()])?;
    }
    Ok(())
}

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bytes<'a> {
    Memory(&'a [u8]),
    File(&'a Path),
}

/// What reads at any place.
pub(super) trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

impl<'a> Bytes<'a> {
    pub(super) fn open(self) -> Result<Box<dyn Source + 'a>> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Self::File(path) => Box::new(std::fs::File::open(path).map_err(Error::io(path))?),
        })
    }

    /// How many there are.
    fn length(self) -> Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            Self::File(path) => {
                let metadata = path.metadata().map_err(Error::io(path))?;
                if metadata.is_file() {
                    Ok(metadata.len())
                } else {
                    Err(wrong("not a plain file"))
                }
            }
        }
    }
}

/// Reads exactly so many bytes as there should be.
pub(super) fn read_exact(from: &mut dyn Source, to: &mut [u8]) -> Result<()> {
    from.read_exact(to)
        .map_err(|error| wrong(format!("{} bytes more were expected: {error}", to.len())))
}

/// A file whose header and description were changed, with their checksums made right again: for tests of what stands behind them.
pub fn sealed(mut file: Vec<u8>) -> Vec<u8> {
    if file.len() < HEADER {
        return file;
    }
    let (header, rest) = file.split_at_mut(HEADER);
    let number = |place: &[u8]| u64::from_le_bytes(place.try_into().unwrap_or_default());
    let length = usize::try_from(number(&header[32..40])).unwrap_or(usize::MAX);
    header[48..56].copy_from_slice(&Checksum::of(&rest[..length.min(rest.len())]).to_le_bytes());
    let own = Checksum::of(&header[..56]);
    header[56..].copy_from_slice(&own.to_le_bytes());
    file
}

/// Whether a file begins as all do.
pub(crate) fn begins(bytes: Bytes<'_>) -> Result<bool> {
    if bytes.length()? < MAGIC.len() as u64 {
        return Ok(false);
    }
    let mut magic = [0; MAGIC.len()];
    read_exact(&mut *bytes.open()?, &mut magic)?;
    Ok(magic == MAGIC)
}

/// Reads the description, and gives with it where the parts begin and the file ends.
pub(super) fn read<D: Code>(bytes: Bytes<'_>) -> Result<(D, u64, u64)> {
    let length = bytes.length()?;
    let mut from = bytes.open()?;
    let mut first = [0; HEADER];
    let first = &mut first[..HEADER.min(usize::try_from(length).unwrap_or(HEADER))];
    read_exact(&mut *from, first)?;
    let header = Header::read(first, length, layout("file", &[D::LAYOUT]))?;
    let parts = padded(header.description).and_then(|description| description.checked_add(HEADER as u64));
    let parts = parts.filter(|&parts| parts <= length);
    let parts = parts.ok_or_else(|| wrong(format!("a description of {} bytes in {length}", header.description)))?;
    let mut description = vec![0; (parts - HEADER as u64) as usize];
    read_exact(&mut *from, &mut description)?;
    let (description, padding) = description.split_at(header.description as usize);
    let checksum = Checksum::of(description);
    if checksum != header.description_checksum {
        return Err(changed("description", checksum, header.description_checksum));
    }
    check_padding(padding)?;
    let mut reader = Reader::new(description);
    let description = D::read(&mut reader)?;
    reader.finish()?;
    Ok((description, parts, length))
}

pub(super) fn check_padding(padding: &[u8]) -> Result<()> {
    if padding.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    Err(wrong("expected zeros between its parts"))
}

/// Reads a part from its place, which has this checksum, and its padding.
pub(super) fn read_part(from: &mut dyn Source, place: u64, to: &mut [u8], checksum: u64) -> Result<()> {
    /// What stays in a cache until its checksum is made.
    const PIECE: usize = 1 << 18;
    from.seek(SeekFrom::Start(place))
        .map_err(|error| wrong(format!("no byte {place}: {error}")))?;
    let mut sum = Checksum::new();
    for piece in to.chunks_mut(PIECE) {
        crate::cancel::check()?;
        read_exact(from, piece)?;
        sum.add(piece);
    }
    let own = sum.finish();
    if own != checksum {
        return Err(changed("tensor", own, checksum));
    }
    let mut padding = [0; BLOCK];
    let padding = &mut padding[..to.len().next_multiple_of(BLOCK) - to.len()];
    read_exact(from, padding)?;
    check_padding(padding)
}
