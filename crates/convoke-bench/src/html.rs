//! The report as one HTML file that needs nothing else: no scripts, no other files; plots are drawn in it as SVG.

use super::baseline::Comparison;
use super::crossover::findings;
use super::plot::{Bar, Curve, bars, colour_name, curves};
use super::report::{CaseReport, Measured, Report};
use super::table::{before, failures, part_rows, points, row_name, surroundings, warm_rows};
use convoke::Result;

const STYLE: &str = "body{font:16px/1.45 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:1280px;margin:2em auto;padding:0 1em}\
h1{font-size:1.6em;margin-bottom:.2em}h2{font-size:1.2em;margin:1.8em 0 .4em}table{border-collapse:collapse;font-size:13px}\
.wide{overflow-x:auto}td,th{padding:.25em .6em;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\
th{text-align:right;color:#444;font-weight:600}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}\
.about td{text-align:left;white-space:normal;overflow-wrap:anywhere}.about td:first-child{color:#555;white-space:nowrap;vertical-align:top}\
svg{max-width:100%;height:auto}p.note{color:#555;font-size:14px;margin:.2em 0}.key span{margin-right:1.2em;font-size:14px;white-space:nowrap}\
.key i{display:inline-block;width:.9em;height:.9em;margin-right:.4em;vertical-align:-.1em}.bad{color:#a00;font-weight:600}.good{color:#060}";

/// The report as a page, with a comparison where there is one.
///
/// Errors: a plot that cannot be drawn.
pub fn html(report: &Report, comparison: Option<&Comparison>) -> Result<String> {
    let title = match report.cases.as_slice() {
        [case] => case.name.clone(),
        cases => format!("{} cases", cases.len()),
    };
    let mut whole = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>convoke bench: {title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>convoke bench: {title}</h1>\n",
        title = escaped(&title)
    );
    let page = &mut whole;
    if let [case] = report.cases.as_slice() {
        put(page, format!("<p class=\"note\">{}</p>\n", escaped(&case.description)));
    }
    for line in failures(report) {
        put(page, format!("<p class=\"bad\">{}</p>\n", escaped(&line)));
    }
    let findings = findings(report);
    if !findings.is_empty() {
        page.push_str("<ul>");
        for line in findings {
            // The first word is there for terminals.
            let line = line.split_once(' ').map_or(line.as_str(), |(_, line)| line.trim_start());
            put(page, format!("<li>{}</li>", escaped(line)));
        }
        page.push_str("</ul>\n");
    }
    if let Some(comparison) = comparison {
        put(
            page,
            format!("<h2>Against the baseline of {}</h2>\n", escaped(&comparison.date)),
        );
        page.push_str(&rows_table(&comparison.rows()));
        for warning in &comparison.warnings {
            put(page, format!("<p class=\"bad\">{}</p>\n", escaped(warning)));
        }
    }
    page.push_str(
        "<h2>Warm runs</h2>\n<p class=\"note\">Inputs written, computed, outputs read back. The median, with its 95 % \
                   interval by order statistics.</p>\n",
    );
    warm_plots(report, page)?;
    page.push_str(&rows_table(&warm_rows(report)));
    page.push_str("<p class=\"note\">GFLOP/s: by the operators' definitions, over the whole run, and over the device's own time. \
                   Of ceiling: the least time that operators can take by the device's measured ceilings, over the time they took.</p>\n");
    parts_plots(report, page)?;
    page.push_str(&rows_table(&part_rows(report)));
    page.push_str("<p class=\"note\">In milliseconds. Start: the adapter found and opened. Read: the model's file. Graph: made for these \
                   shapes. Session: passes, weights uploaded. Plan: buffers planned, kernels compiled; those that an earlier row of the \
                   same backend compiled are there already, and a driver may keep some on disk. Then a warm run taken apart, each part \
                   waited for.</p>\n");
    page.push_str("<h2>Where and when</h2>\n<table class=\"about\">");
    for (name, value) in surroundings(report) {
        put(page, format!("<tr><td>{name}</td><td>{}</td></tr>", escaped(&value)));
    }
    let command = report.environment.command.join(" ");
    put(
        page,
        format!(
            "<tr><td>command</td><td>{}</td></tr></table>\n</body></html>\n",
            escaped(&command)
        ),
    );
    Ok(whole)
}

/// A case as curves where it has several sizes; everything else as bars of one plot.
fn warm_plots(report: &Report, page: &mut String) -> Result<()> {
    let labels: Vec<&str> = report.backends.iter().map(|backend| backend.label.as_str()).collect();
    let mut single = Vec::new();
    for case in &report.cases {
        let Some(sweep) = case.sweep.filter(|_| case.points.len() > 1) else {
            single.extend(case_bars(report, case));
            continue;
        };
        let lines = (0..labels.len()).map(|index| Curve {
            points: (case.points.iter())
                .filter_map(|point| {
                    let warm = point.outcomes.get(index)?.measured()?.warm;
                    let mut range = warm.range();
                    (range.low, range.high) = (1e3 * range.low, 1e3 * range.high);
                    Some((point.size as f64, 1e3 * warm.median, range))
                })
                .collect(),
            colour: index,
        });
        let lines: Vec<Curve> = lines.filter(|curve| !curve.points.is_empty()).collect();
        if !lines.is_empty() {
            page.push_str(&key(&labels));
            let axis = match sweep {
                super::Sweep::Batch => "batch, images",
                super::Sweep::Size => "height and width, pixels",
            };
            page.push_str(&curves(&lines, [axis, "median, ms"])?);
        }
    }
    if !single.is_empty() {
        page.push_str(&key(&labels));
        // Where the shortest could not be seen beside the longest.
        let lengths = || single.iter().flat_map(|bar| &bar.parts).map(|(length, _)| *length);
        let logarithmic = lengths().fold(0.0, f64::max) > 50.0 * lengths().fold(f64::INFINITY, f64::min);
        let axis = if logarithmic {
            "median, ms, logarithmic"
        } else {
            "median, ms"
        };
        page.push_str(&bars(&single, axis, logarithmic)?);
    }
    Ok(())
}

fn case_bars(report: &Report, case: &CaseReport) -> Vec<Bar> {
    let mut all = Vec::new();
    for point in &case.points {
        for (index, outcome) in point.outcomes.iter().enumerate() {
            let Some(measured) = outcome.measured() else { continue };
            let mut range = measured.warm.range();
            (range.low, range.high) = (1e3 * range.low, 1e3 * range.high);
            let first = index == 0 || report.backends.len() == 1;
            all.push(Bar {
                name: if first { row_name(case, point) } else { String::new() },
                parts: vec![(1e3 * measured.warm.median, index)],
                interval: Some(range),
            });
        }
    }
    all
}

/// The parts of a run, given what it took to start the backend and to read the model.
type Parts<'a> = &'a dyn Fn([f64; 2], &Measured) -> Option<Vec<f64>>;

/// Rows that a plot of parts has at most.
const MOST_ROWS: usize = 16;

/// What a cold start and a warm run are made of; the backends one after another.
fn parts_plots(report: &Report, page: &mut String) -> Result<()> {
    let cold = ["start", "read", "graph", "session", "plan", "first run"];
    let warm = ["upload", "dispatch", "wait", "read-back"];
    let rows = |parts: Parts<'_>| {
        let mut rows = Vec::new();
        for index in 0..report.backends.len() {
            for (case, point) in points(report) {
                let Some(measured) = point.outcomes.get(index).and_then(|outcome| outcome.measured()) else {
                    continue;
                };
                if let Some(parts) = parts(before(report, index, case, point), measured) {
                    let name = format!("{}, {}", row_name(case, point), short_label(report, index));
                    rows.push(Bar {
                        name,
                        parts: parts
                            .into_iter()
                            .enumerate()
                            .map(|(colour, seconds)| (1e3 * seconds, colour))
                            .collect(),
                        interval: None,
                    });
                }
            }
        }
        rows
    };
    let cold_rows = rows(&|[start, read], measured| {
        let cold = measured.cold;
        Some(vec![start, read, cold.graph, cold.session, cold.plan, cold.first_run])
    });
    let warm_rows = rows(&|_, measured| {
        let split = measured.split?;
        Some(vec![split.upload, split.dispatch, split.wait, split.read_back])
    });
    for (title, names, rows) in [
        ("The first run, cold", &cold[..], cold_rows),
        ("A warm run taken apart", &warm[..], warm_rows),
    ] {
        if !rows.is_empty() && rows.len() <= MOST_ROWS {
            put(page, format!("<h2>{title}</h2>\n{}", key(names)));
            page.push_str(&bars(&rows, "ms", false)?);
        }
    }
    page.push_str("<h2>Parts</h2>\n");
    Ok(())
}

fn put(page: &mut String, part: impl AsRef<str>) {
    page.push_str(part.as_ref());
}

/// Which colour is what.
fn key(names: &[&str]) -> String {
    let spans = names.iter().enumerate().map(|(index, name)| {
        format!(
            "<span><i style=\"background:{}\"></i>{}</span>",
            colour_name(index),
            escaped(name)
        )
    });
    format!("<p class=\"key\">{}</p>\n", spans.collect::<String>())
}

/// A backend's name without what stands in brackets, where that tells it from the others.
fn short_label(report: &Report, index: usize) -> &str {
    let short = |index: usize| report.backends[index].label.split(" (").next().unwrap_or_default();
    let same = (0..report.backends.len())
        .filter(|&other| short(other) == short(index))
        .count();
    if same > 1 {
        &report.backends[index].label
    } else {
        short(index)
    }
}

/// Rows of cells; the first is the head.
fn rows_table(rows: &[Vec<String>]) -> String {
    let mut text = "<div class=\"wide\"><table>".to_owned();
    for (index, row) in rows.iter().enumerate() {
        let cell = if index == 0 { "th" } else { "td" };
        text.push_str("<tr>");
        let columns = rows[0].len();
        for value in row.iter().map(String::as_str).chain(std::iter::repeat("")).take(columns) {
            let class = match value {
                "SLOWER" | "WRONG" | "failed" => " class=\"bad\"",
                "faster" => " class=\"good\"",
                _ => "",
            };
            put(&mut text, format!("<{cell}{class}>{}</{cell}>", escaped(value)));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table></div>\n");
    text
}

/// Text that HTML does not take for anything else.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{measured, report};

    #[test]
    fn a_page_needs_nothing_else_and_shows_everything() {
        let mut report = report(&[
            (1, Some(measured(0.5, 2.0)), Some(measured(0.1, 2.0))),
            (8, Some(measured(0.5, 2.0)), None),
        ]);
        report.environment.command = vec!["convoke".to_owned(), "<script>".to_owned()];
        let comparison = Comparison::new(&report, &report, 0.05).unwrap();
        let page = html(&report, Some(&comparison)).unwrap();
        for part in [
            "<svg",
            "median, ms",
            "batch, images",
            "first",
            "WRONG",
            "Where and when",
            "&lt;script&gt;",
            "baseline of",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for part in ["<script", "<link", "src=", "url("] {
            assert!(!page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 3, "curves, the first run, a warm run");
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    }

    #[test]
    fn one_size_is_bars() {
        let mut report = report(&[(1, Some(measured(0.5, 2.0)), None)]);
        report.cases[0].sweep = None;
        assert!(!html(&report, None).unwrap().contains("batch, images"));
    }
}
