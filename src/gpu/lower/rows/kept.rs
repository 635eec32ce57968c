//! Rows that a workgroup keeps in its lanes' registers.

use crate::gpu::choose::rules::long_row_lanes;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::plan::recording::{Recording, Work};

/// The most Reals that a lane keeps.
const MOST_KEPT: usize = 32;

/// How the lanes of a workgroup keep a row.
pub(crate) struct Kept {
    lanes: u32,
    /// Of a row, in vectors of four where rows are whole vectors.
    pub(crate) reals: usize,
    /// Reals that a lane keeps.
    items: usize,
    /// Whether the lanes are one subgroup.
    pub(crate) has_subgroup: bool,
}

impl Kept {
    /// None where a row is too long to be kept.
    pub(crate) fn of_row(reals: usize, recording: &Recording) -> Option<Self> {
        let class = recording.capabilities.class;
        let lanes = if class == DeviceClass::Software {
            8
        } else {
            long_row_lanes(class)
        };
        let items = reals.div_ceil(lanes as usize).next_power_of_two();
        (items <= MOST_KEPT).then_some(Self {
            lanes,
            reals,
            items,
            has_subgroup: lanes == 8 && recording.capabilities.broadcast,
        })
    }

    /// The header's, with the kernel's own after them.
    pub(crate) fn constants(&self, own: &[(&'static str, u32)]) -> Vec<(&'static str, u32)> {
        let is_whole = self.reals == self.items * self.lanes as usize;
        let mut constants = vec![
            ("LANES", self.lanes),
            ("ITEMS", self.items as u32),
            ("WHOLE", u32::from(is_whole)),
        ];
        constants.extend(own);
        constants
    }

    /// Of a kernel that puts together so much by the lanes of each row: trees through workgroup memory; a subgroup needs no rounds.
    pub(crate) fn work(&self, rows: usize, trees: usize) -> Work {
        let rounds = if self.has_subgroup { 0 } else { self.lanes.ilog2() as usize };
        Work::of(rows).rounds(trees * rounds)
    }
}
