//! Each family at a number of channels: what vectors of four, tiles and blocks leave over at their ends. Extents are odd and differ.

mod common;
mod convolutions;
mod elements;
mod movement;
mod products;
mod quantised;
mod rows;
mod windows;

use crate::model::Case;

pub(super) fn cases(channels: usize) -> Vec<Case> {
    [
        convolutions::cases,
        windows::cases,
        products::cases,
        rows::cases,
        elements::cases,
        movement::cases,
        quantised::cases,
    ]
    .into_iter()
    .flat_map(|family| family(channels))
    .collect()
}
