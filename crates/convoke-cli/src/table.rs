//! Tables of text.

use std::io::{self, Write};

/// Writes rows with columns as wide as their widest cells, to the left where `is_left` says so of the column, else to the right.
pub(super) fn write_table<const N: usize>(
    out: &mut dyn Write,
    rows: &[[String; N]],
    is_left: impl Fn(usize) -> bool,
) -> io::Result<()> {
    let widths: [usize; N] = std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if is_left(column) {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
