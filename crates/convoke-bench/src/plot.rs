//! Plots of a report as SVG: bars that may be stacked, and times over sizes.

use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::*;

use super::statistics::Interval;
use convoke::{Error, Result};

/// Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008).
const COLOURS: [(u8, u8, u8); 7] = [
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (130, 130, 130),
];

const WIDTH: u32 = 980;
const FONT: (&str, u32) = ("sans-serif", 16);

fn colour(index: usize) -> RGBColor {
    let (red, green, blue) = COLOURS[index % COLOURS.len()];
    RGBColor(red, green, blue)
}

/// A colour as HTML writes it.
pub(super) fn colour_name(index: usize) -> String {
    let RGBColor(red, green, blue) = colour(index);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A bar with its name; its parts are stacked.
pub(super) struct Bar {
    pub(super) name: String,
    /// Length and number of the colour.
    pub(super) parts: Vec<(f64, usize)>,
    /// Drawn over the bar as a line from end to end.
    pub(super) interval: Option<Interval>,
}

/// Times of a backend over sizes.
pub(super) struct Curve {
    pub(super) points: Vec<(f64, f64, Interval)>,
    pub(super) colour: usize,
}

/// Horizontal bars under one another, the first on top. On a logarithmic axis bars have one part each.
///
/// Errors: a failure to draw.
pub(super) fn bars(bars: &[Bar], axis: &str, logarithmic: bool) -> Result<String> {
    let mut text = String::new();
    {
        let height = 70 + 26 * bars.len() as u32;
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let lengths = bars.iter().map(|bar| bar.parts.iter().map(|(length, _)| length).sum::<f64>());
        let ends = bars.iter().filter_map(|bar| bar.interval.map(|interval| interval.high));
        let most = lengths.clone().chain(ends).fold(f64::MIN_POSITIVE, f64::max);
        let least = lengths.filter(|&length| length > 0.0).fold(most, f64::min);
        let widest = bars.iter().map(|bar| bar.name.chars().count()).max().unwrap_or(0) as u32;
        let names = |value: &SegmentValue<usize>| match value {
            SegmentValue::CenterOf(index) => bars
                .len()
                .checked_sub(index + 1)
                .map_or(String::new(), |place| bars[place].name.clone()),
            _ => String::new(),
        };
        let rows = (0..bars.len().max(1) - 1).into_segmented();
        let mut builder = ChartBuilder::on(&area);
        builder
            .margin(8)
            .margin_right(30)
            .x_label_area_size(44)
            .y_label_area_size(9 * widest + 16);
        // The two kinds of axes are two types.
        macro_rules! draw {
            ($range:expr, $from:expr) => {{
                let mut chart = builder.build_cartesian_2d($range, rows).map_err(failed)?;
                chart
                    .configure_mesh()
                    .disable_y_mesh()
                    .x_desc(axis)
                    .x_labels(8)
                    .y_labels(bars.len())
                    .x_label_formatter(&|value| label(*value))
                    .y_label_formatter(&names)
                    .label_style(FONT)
                    .axis_desc_style(FONT)
                    .light_line_style(TRANSPARENT)
                    .draw()
                    .map_err(failed)?;
                for (place, bar) in bars.iter().enumerate() {
                    let row = bars.len() - 1 - place;
                    let mut start: f64 = $from;
                    for &(length, colour_index) in &bar.parts {
                        let end = if logarithmic { length.max(start) } else { start + length };
                        let corners = [(start, SegmentValue::Exact(row)), (end, SegmentValue::Exact(row + 1))];
                        let mut rectangle = Rectangle::new(corners, colour(colour_index).filled());
                        rectangle.set_margin(4, 4, 0, 0);
                        chart.draw_series([rectangle]).map_err(failed)?;
                        start = end;
                    }
                    if let Some(interval) = bar.interval {
                        let ends = [interval.low, interval.high].map(|end| (end.max($from), SegmentValue::CenterOf(row)));
                        chart
                            .draw_series([PathElement::new(ends, BLACK.stroke_width(2))])
                            .map_err(failed)?;
                    }
                }
            }};
        }
        if logarithmic {
            let from = 10_f64.powf(least.log10().floor());
            draw!((from..1.1 * most).log_scale(), from);
        } else {
            draw!(0.0..1.05 * most, 0.0);
        }
        area.present().map_err(failed)?;
    }
    Ok(text)
}

/// Curves over sizes, both axes logarithmic, with the interval of each point.
///
/// Errors: a failure to draw.
pub(super) fn curves(curves: &[Curve], [x_axis, y_axis]: [&str; 2]) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, 420)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let bounds = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (left, right) = bounds(&mut points().map(|point| point.0));
        let (bottom, top) = bounds(&mut points().flat_map(|point| [point.1, point.2.low, point.2.high]));
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(30)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(
                (left / 1.1..right * 1.1).log_scale().base(2.0),
                (bottom / 1.3..top * 1.3).log_scale(),
            )
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc(x_axis)
            .y_desc(y_axis)
            .x_label_formatter(&|value| label(*value))
            .y_label_formatter(&|value| label(*value))
            .label_style(FONT)
            .axis_desc_style(FONT)
            .light_line_style(RGBColor(235, 235, 235))
            .draw()
            .map_err(failed)?;
        for curve in curves {
            let colour = colour(curve.colour);
            let line = curve.points.iter().map(|&(size, time, _)| (size, time));
            chart
                .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))
                .map_err(failed)?;
            chart
                .draw_series(line.map(|point| Circle::new(point, 4, colour.filled())))
                .map_err(failed)?;
            let ends = curve.points.iter().map(|(size, _, interval)| {
                PathElement::new(vec![(*size, interval.low), (*size, interval.high)], colour.stroke_width(2))
            });
            chart.draw_series(ends).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(text)
}

/// A number on an axis, without digits that say nothing.
fn label(value: f64) -> String {
    let digits = (2 - value.abs().max(1e-9).log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::invalid("benchmark", format!("a plot: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_no_idle_digits() {
        assert_eq!(
            [0.0, 0.01, 0.25, 1.0, 12.5, 400.0].map(label),
            ["0", "0.01", "0.25", "1", "12.5", "400"]
        );
    }

    #[test]
    fn bars_and_curves_are_svg_with_their_names() {
        let bar = |name: &str, length| Bar {
            name: name.to_owned(),
            parts: vec![(length, 0), (0.5 * length, 1)],
            interval: None,
        };
        let svg = bars(&[bar("one", 1.0), bar("two & more", 2.0)], "time, ms", false).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(
            svg.contains("two &amp; more") && svg.contains("time, ms") && svg.contains(&colour_name(1).to_uppercase()),
            "{svg}"
        );
        assert!(bars(&[bar("one", 1.0)], "ms", true).is_ok());
        assert!(bars(&[], "ms", false).is_ok(), "no bars are no failure");
        let interval = Interval { low: 0.9, high: 1.1 };
        let curve = Curve {
            points: vec![(1.0, 1.0, interval), (8.0, 1.0, interval)],
            colour: 0,
        };
        assert!(curves(&[curve], ["batch", "time, ms"]).unwrap().contains("polyline"));
    }
}
