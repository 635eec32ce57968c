//! Pictures of bytes as planes of numbers, and planes as pictures.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::plan::recording::{Recording, SlotId, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::picture::{
    PictureLevelsParameters, PicturePlanesParameters, PictureRowsParameters, PlanesPictureParameters,
};

const NAME: &str = "picture";

/// The bytes of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels {
    pub(crate) slot: SlotId,
    /// Bytes of a pixel: 1 to 4, or 8 of 16-bit floats where they are written.
    pub(crate) channels: u32,
    /// Bytes from one row to the next.
    pub(crate) pitch: u32,
    /// Whether the first of three colours is blue.
    pub(crate) blue_first: bool,
}

/// A picture that is not of bytes alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    /// Four 16-bit floats a pixel.
    Floats,
    /// Luma, and chroma for every two by two pixels.
    Luma {
        /// Whether blue and red lie in planes of their own.
        is_apart: bool,
        conversion: Conversion,
    },
}

/// How luma and chroma become colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conversion {
    /// The luma of black.
    pub(crate) black: i32,
    pub(crate) of_luma: f64,
    pub(crate) red_of_red: f64,
    pub(crate) green_of_blue: f64,
    pub(crate) green_of_red: f64,
    pub(crate) blue_of_blue: f64,
}

/// Records the way of a picture that is stored so, with so many bytes from row to row, into bytes.
pub(crate) fn to_levels(
    slot: SlotId,
    stored: Stored,
    [height, width, pitch]: [usize; 3],
    recording: &mut Recording,
) -> Result<Pixels> {
    let pixels = height * width;
    let words = recording.scratch(NAME, pixels)?;
    let (kind, conversion) = match stored {
        Stored::Floats => (0, None),
        Stored::Luma { is_apart, conversion } => (1 + u32::from(is_apart), Some(conversion)),
    };
    let chroma_pitch = if kind == 2 { pitch.div_ceil(2) } else { pitch };
    let share = |of: fn(&Conversion) -> f64| {
        conversion
            .as_ref()
            .map_or(0, |all| (of(all) * f64::from(1 << 20)).round() as i32)
    };
    let parameters = PictureLevelsParameters {
        pixels: pixels as u32,
        width: width as u32,
        pitch: pitch as u32,
        chroma: (height * pitch) as u32,
        chroma_pitch: chroma_pitch as u32,
        second: (height.div_ceil(2) * chroma_pitch) as u32,
        black: conversion.map_or(0, |all| all.black),
        of_luma: share(|all| all.of_luma),
        red_of_red: share(|all| all.red_of_red),
        green_of_blue: share(|all| all.green_of_blue),
        green_of_red: share(|all| all.green_of_red),
        blue_of_blue: share(|all| all.blue_of_blue),
    };
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PictureLevels, [("LANES", LANES), ("KIND", kind)]),
        &parameters,
        &[slot],
        &[words],
        Work::of(pixels.div_ceil(LANES as usize)),
    )?;
    Ok(Pixels {
        slot: words,
        channels: 4,
        pitch: 4 * width as u32,
        blue_first: false,
    })
}

/// What each pixel along an axis is a sum of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Where the weights of each pixel start, and where the last end.
    pub(crate) starts: Vec<u32>,
    /// The first neighbour of each.
    pub(crate) firsts: Vec<u32>,
    /// In units of 2^-22.
    pub(crate) weights: Vec<i32>,
}

impl Windows {
    /// How many pixels there are.
    pub(crate) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// The most neighbours that a pixel has.
    fn most(&self) -> usize {
        let counts = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        counts.max().unwrap_or(0) as usize
    }

    /// The neighbours of all pixels.
    pub(crate) fn span(&self) -> std::ops::Range<u32> {
        let counts = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        let ends = self.firsts.iter().zip(counts).map(|(first, count)| first + count);
        self.firsts.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }

    fn slots(&self, recording: &mut Recording) -> Result<[SlotId; 3]> {
        let weights = self.weights.iter().map(|weight| weight.cast_unsigned()).collect();
        Ok([
            recording.data(NAME, self.starts.clone())?,
            recording.data(NAME, self.firsts.clone())?,
            recording.data(NAME, weights)?,
        ])
    }
}

/// How a tensor's planes lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    pub(crate) slot: SlotId,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) first: u32,
    pub(crate) place_stride: u32,
    pub(crate) plane_stride: u32,
}

/// What a picture becomes.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) rows: Windows,
    pub(crate) columns: Windows,
    /// Where it begins in the planes.
    pub(crate) top: u32,
    pub(crate) left: u32,
    /// The level around it.
    pub(crate) around: u8,
    /// Whether colours are weighed into one level before anything else.
    pub(crate) gray: bool,
    /// The channel of each plane, at most four.
    pub(crate) order: Vec<u32>,
    /// What each of 256 levels becomes, plane after plane.
    pub(crate) levels: Vec<f32>,
}

/// Records a picture's way into planes: along its rows first, of which those are computed that the columns need.
pub(crate) fn to_planes(pixels: Pixels, placed: &Placed, planes: Planes, recording: &mut Recording) -> Result<()> {
    let rows = placed.rows.span();
    let width = placed.columns.len();
    let narrow = recording.scratch(NAME, rows.len() * width)?;
    let outputs = rows.len() * width;
    let parameters = PictureRowsParameters {
        outputs: outputs as u32,
        width: width as u32,
        top: rows.start,
        pitch: pixels.pitch,
    };
    let aligned = pixels.channels == 4 && pixels.pitch.is_multiple_of(4);
    let constants = [
        ("LANES", LANES),
        ("CHANNELS", pixels.channels),
        ("ALIGNED", u32::from(aligned)),
        ("GRAY", u32::from(placed.gray)),
        ("BLUE_FIRST", u32::from(pixels.blue_first)),
    ];
    let [starts, firsts, weights] = placed.columns.slots(recording)?;
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PictureRows, constants),
        &parameters,
        &[pixels.slot, starts, firsts, weights],
        &[narrow],
        Work::of(outputs.div_ceil(LANES as usize)).rounds(placed.columns.most()),
    )?;
    let mut from_first = placed.rows.clone();
    for first in &mut from_first.firsts {
        *first -= rows.start;
    }
    let [starts, firsts, weights] = from_first.slots(recording)?;
    let levels = recording.data(NAME, placed.levels.iter().map(|level| level.to_bits()).collect())?;
    let places = planes.height as usize * planes.width as usize;
    let parameters = PicturePlanesParameters {
        places: places as u32,
        out_width: planes.width,
        height: placed.rows.len() as u32,
        width: width as u32,
        top: placed.top,
        left: placed.left,
        around: placed.around.into(),
        planes: placed.order.len() as u32,
        first: planes.first,
        place_stride: planes.place_stride,
        plane_stride: planes.plane_stride,
        unused: [0],
        order: [order(&placed.order)?],
    };
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PicturePlanes, [("LANES", LANES)]),
        &parameters,
        &[narrow, starts, firsts, weights, levels],
        &[planes.slot],
        Work::of(places.div_ceil(LANES as usize)).rounds(placed.rows.most() + placed.order.len()),
    )
}

/// How numbers become levels.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    pub(crate) scale: f32,
    pub(crate) shift: f32,
    /// The plane of each channel, at most four; channels after them are 255.
    pub(crate) order: Vec<u32>,
}

/// Records the way of planes into a picture of whole words a row, whose pixels have 1 byte, 4, or 8 of 16-bit floats.
pub(crate) fn from_planes(planes: Planes, levels: &Levels, pixels: Pixels, recording: &mut Recording) -> Result<()> {
    let words = (pixels.pitch as usize / 4) * planes.height as usize;
    let parameters = PlanesPictureParameters {
        words: words as u32,
        width: planes.width,
        pitch: pixels.pitch,
        planes: levels.order.len() as u32,
        first: planes.first,
        place_stride: planes.place_stride,
        plane_stride: planes.plane_stride,
        scale: levels.scale,
        shift: levels.shift,
        unused: [0; 3],
        order: [order(&levels.order)?],
    };
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PlanesPicture, [("LANES", LANES), ("CHANNELS", pixels.channels)]),
        &parameters,
        &[planes.slot],
        &[pixels.slot],
        Work::of(words.div_ceil(LANES as usize)).rounds(4),
    )
}

fn order(channels: &[u32]) -> Result<[u32; 4]> {
    let mut order = [0; 4];
    let places = order.get_mut(..channels.len());
    let places = places.ok_or_else(|| Error::Internal(format!("a picture of {} channels reached a kernel", channels.len())))?;
    places.copy_from_slice(channels);
    Ok(order)
}
