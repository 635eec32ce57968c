//! Long rows and many of them: around where f16 stops having each whole number, where 16 bits with a sign end, and where loops of an
//! invocation and workgroups of a dispatch do.

mod many;
mod rows;

use crate::model::Case;

pub(super) const EXTENTS: [usize; 9] = [2047, 2048, 2049, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537];

/// Those that a test has time for.
pub(super) const QUICK: [usize; 6] = [2047, 2048, 32_767, 32_768, 65_535, 65_536];

pub(super) fn cases(extent: usize) -> Vec<Case> {
    let mut cases = rows::cases(extent);
    cases.extend(many::cases(extent));
    cases
}

fn named(name: &str, extent: usize) -> Case {
    Case::new(format!("{name}_n{extent}"))
}
