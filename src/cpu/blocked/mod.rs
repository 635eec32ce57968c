//! Convolutional layers on blocks of channels: between convolutions, values have 16 channels of a position together in memory, so that
//! a vector is of channels and every loop over positions, taps and input channels reads what it needs from one place.
//!
//! A convolution needs no columns packed: its inner loop multiplies vectors of weights, which were packed once, by single elements of the
//! input where it lies. Only where there is padding are rows copied, a band at a time. Which values lie so is a matter of the plan;
//! what has no such kernel has its inputs rearranged.

mod band;
mod channels_last;
mod conv;
mod depthwise;
mod elements;
mod finish;
mod layout;
mod linear;
pub(super) mod pool;
mod run;
mod schedule;
#[cfg(target_arch = "x86_64")]
mod square;
mod tiles;
mod weights;
mod winograd;

pub(super) use band::{Columns, Image, Reads};
pub(super) use channels_last::{is_from_last, is_to_last};
pub(super) use conv::{conv, is_possible, tasks};
pub(super) use depthwise::{Sums as ChannelSums, tasks as channel_tasks};
pub(super) use elements::Reach;
pub(super) use finish::Finish;
pub(super) use layout::{BLOCK, Layout, blocks, channels_of, parts, rearrange, rearranged, whole};
pub(super) use linear::linear;
pub(super) use run::run;
pub(super) use schedule::{Schedule, Schedules};
pub(super) use tiles::{hold as hold_winograd, is_taken as is_by_winograd};
pub(super) use weights::{Panel, by_channel, is_depthwise};
pub(crate) use weights::{Products, Weights, fits};
