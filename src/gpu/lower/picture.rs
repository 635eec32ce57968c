//! Pictures of bytes as planes of numbers, and planes as pictures.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::plan::recording::{Recording, SlotId, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::picture::{
    PictureLevelsParameters, PicturePlanesParameters, PictureRowsParameters, PictureStripsParameters, PlanesPictureParameters,
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

/// Records the way of a picture that is not of bytes alone into bytes. For each plane there is its first byte, and the bytes from row to
/// row: one of four 16-bit floats a pixel, or one of luma and one or two of chroma for every two by two pixels.
pub(crate) fn to_levels(
    slot: SlotId,
    planes: &[(usize, usize)],
    [height, width]: [usize; 2],
    conversion: &Conversion,
    recording: &mut Recording,
) -> Result<Pixels> {
    let pixels = height * width;
    let words = recording.scratch(NAME, pixels)?;
    let plane = |index: usize| planes.get(index).copied().unwrap_or_default();
    let ((_, pitch), (chroma, chroma_pitch), (second, _)) = (plane(0), plane(1), plane(2));
    let share = |share: f64| (share * f64::from(1 << 20)).round() as i32;
    let parameters = PictureLevelsParameters {
        pixels: pixels as u32,
        width: width as u32,
        pitch: pitch as u32,
        chroma: chroma as u32,
        chroma_pitch: chroma_pitch as u32,
        second: second as u32,
        black: conversion.black,
        of_luma: share(conversion.of_luma),
        red_of_red: share(conversion.red_of_red),
        green_of_blue: share(conversion.green_of_blue),
        green_of_red: share(conversion.green_of_red),
        blue_of_blue: share(conversion.blue_of_blue),
    };
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PictureLevels, [("LANES", LANES), ("PLANES", planes.len() as u32)]),
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
    pub(crate) fn span(&self) -> Range<u32> {
        let counts = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        let ends = self.firsts.iter().zip(counts).map(|(first, count)| first + count);
        self.firsts.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }

    /// What each neighbour is part of, where none is part of more sums than `most`.
    fn shares(&self, most: usize) -> Option<Shares> {
        let length = self.span().end as usize;
        let mut shares = Shares {
            open: 0,
            firsts: vec![u32::MAX; length],
            weights: vec![Vec::new(); length],
        };
        for (pixel, (pair, &first)) in self.starts.windows(2).zip(&self.firsts).enumerate() {
            for (place, weight) in self.weights[pair[0] as usize..pair[1] as usize].iter().enumerate() {
                let neighbour = first as usize + place;
                let first = &mut shares.firsts[neighbour];
                *first = (*first).min(pixel as u32);
                let weights = &mut shares.weights[neighbour];
                // Of windows whose ends are in order, those that have a neighbour stand side by side.
                if *first as usize + weights.len() != pixel || weights.len() == most {
                    return None;
                }
                weights.push(*weight);
                shares.open = shares.open.max(weights.len());
            }
        }
        // A neighbour that no window has belongs to what comes after it.
        let mut next = self.len() as u32;
        for first in shares.firsts.iter_mut().rev() {
            *first = if *first == u32::MAX { next } else { *first };
            next = *first;
        }
        let is_in_order = shares.firsts.is_sorted();
        is_in_order.then_some(shares)
    }

    /// The first neighbour that so many pixels side by side read, and the one after the last.
    fn edges(&self, strip: usize) -> Vec<u32> {
        let ends: Vec<u32> = (self.starts.windows(2).zip(&self.firsts))
            .map(|(pair, first)| first + pair[1] - pair[0])
            .collect();
        let strips = self.firsts.chunks(strip).zip(ends.chunks(strip));
        strips
            .flat_map(|(firsts, ends)| [firsts.iter().copied().min(), ends.iter().copied().max()])
            .map(Option::unwrap_or_default)
            .collect()
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

/// What the neighbours of all pixels are part of.
#[derive(Debug, PartialEq, Eq)]
struct Shares {
    /// The most sums that a neighbour is in.
    open: usize,
    /// The first pixel whose sum each neighbour is in.
    firsts: Vec<u32>,
    /// Its weights in that and those after it.
    weights: Vec<Vec<i32>>,
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

/// The most sums that a pixel may be in for rows to be gone along: bicubic windows of rows that become shorter have five.
const MOST_OPEN: usize = 6;
/// Output pixels of a strip.
const STRIP: usize = 32;
/// The rows of a workgroup that hands weights round.
const EIGHT: usize = 8;

/// Records a picture's way into planes: along its rows first, of which those are computed that the columns need.
pub(crate) fn to_planes(pixels: Pixels, placed: &Placed, planes: Planes, recording: &mut Recording) -> Result<()> {
    let rows = placed.rows.span();
    let width = placed.columns.len();
    let narrow = recording.scratch(NAME, rows.len() * width)?;
    // Where lanes take words one by one, a pixel is best taken once; others take those that lie side by side together.
    let is_by_words = recording.capabilities.class == DeviceClass::Software && recording.capabilities.broadcast;
    let shares = is_by_words.then(|| placed.columns.shares(MOST_OPEN)).flatten();
    match shares {
        Some(shares) => along_strips(pixels, placed, shares, rows.clone(), narrow, recording)?,
        None => pixel_by_pixel(pixels, placed, rows.clone(), narrow, recording)?,
    }
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

/// The constants of a pixel.
fn constants(lanes: u32, pixels: Pixels, placed: &Placed) -> [(&'static str, u32); 5] {
    let aligned = pixels.channels == 4 && pixels.pitch.is_multiple_of(4);
    [
        ("LANES", lanes),
        ("CHANNELS", pixels.channels),
        ("ALIGNED", u32::from(aligned)),
        ("GRAY", u32::from(placed.gray)),
        ("BLUE_FIRST", u32::from(pixels.blue_first)),
    ]
}

/// Records the rows, an invocation for each pixel of them.
fn pixel_by_pixel(pixels: Pixels, placed: &Placed, rows: Range<u32>, narrow: SlotId, recording: &mut Recording) -> Result<()> {
    let width = placed.columns.len();
    let outputs = rows.len() * width;
    let parameters = PictureRowsParameters {
        outputs: outputs as u32,
        width: width as u32,
        top: rows.start,
        pitch: pixels.pitch,
    };
    let [starts, firsts, weights] = placed.columns.slots(recording)?;
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PictureRows, constants(LANES, pixels, placed)),
        &parameters,
        &[pixels.slot, starts, firsts, weights],
        &[narrow],
        Work::of(outputs.div_ceil(LANES as usize)).rounds(placed.columns.most()),
    )
}

/// Records the rows, an invocation for each strip of one.
fn along_strips(
    pixels: Pixels,
    placed: &Placed,
    shares: Shares,
    rows: Range<u32>,
    narrow: SlotId,
    recording: &mut Recording,
) -> Result<()> {
    let width = placed.columns.len();
    let edges = placed.columns.edges(STRIP);
    let longest = edges.chunks(2).map(|edge| edge[1] - edge[0]).max().unwrap_or(0) as usize;
    let steps = longest.div_ceil(EIGHT);
    let parameters = PictureStripsParameters {
        rows: rows.len() as u32,
        width: width as u32,
        top: rows.start,
        pitch: pixels.pitch,
        length: shares.firsts.len() as u32,
        steps: steps as u32,
    };
    let weights = (0..shares.open).flat_map(|open| {
        let weight = move |weights: &Vec<i32>| weights.get(open).map_or(0, |weight| weight.cast_unsigned());
        shares.weights.iter().map(weight)
    });
    let weights = weights.collect();
    let inputs = [
        pixels.slot,
        recording.data(NAME, edges)?,
        recording.data(NAME, shares.firsts)?,
        recording.data(NAME, weights)?,
    ];
    let mut constants = constants(EIGHT as u32, pixels, placed).to_vec();
    constants.extend([("OPEN", shares.open as u32), ("STRIP", STRIP as u32)]);
    let workgroups = width.div_ceil(STRIP) * rows.len().div_ceil(EIGHT);
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::PictureStrips, constants),
        &parameters,
        &inputs,
        &[narrow],
        Work::of(workgroups).rounds(steps + STRIP + 2 * shares.open),
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
