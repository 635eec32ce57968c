//! Each family at a number of channels: what vectors of four, tiles and blocks leave over at their ends. Extents are odd and differ.

mod convolutions;
mod elements;
mod movement;
mod products;
mod quantised;
mod rows;
mod windows;

use crate::model::{Attribute, Case};

type Attributes<'a> = &'a [(&'static str, Attribute)];

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

fn named(name: &str, channels: usize) -> Case {
    Case::new(format!("{name}_c{channels}"))
}
