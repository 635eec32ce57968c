//! The report as text, for a terminal.

use super::crossover::findings;
use super::environment::Environment;
use super::report::{CaseReport, Outcome, PointReport, Report};
use super::turns::Stop;

/// The report as text: a table of warm runs, one of what a cold start and a warm run are made of, in milliseconds, and what
/// follows from them.
pub fn table(report: &Report) -> String {
    let mut text = aligned_pairs(&surroundings(report));
    text.push('\n');
    text.push_str(&aligned(&warm_rows(report), 2));
    text.push_str("\ncold, once, and a warm run taken apart, ms\n");
    text.push_str(&aligned(&part_rows(report), 2));
    for lines in [findings(report), failures(report)] {
        if !lines.is_empty() {
            text.push('\n');
            text.push_str(&lines.join("\n"));
            text.push('\n');
        }
    }
    text
}

fn aligned_pairs(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().map(|(name, value)| format!("{name:<11} {value}\n"));
    rows.collect()
}

/// Name and value of all that a figure depends on.
pub(super) fn surroundings(report: &Report) -> Vec<(&'static str, String)> {
    let environment = &report.environment;
    let rule = report.rule;
    let mut rows = Vec::new();
    for backend in &report.backends {
        rows.push(("backend", format!("{} ({})", backend.description, backend.kind)));
    }
    rows.push(("machine", machine(environment)));
    rows.push((
        "versions",
        format!(
            "convoke {} ({} build), wgpu {}",
            environment.convoke, environment.build, environment.wgpu
        ),
    ));
    rows.push(("date", environment.date.clone()));
    let load = |load: Option<f64>| load.map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    rows.push((
        "load",
        format!(
            "{} at the start, {} at the end, of {} threads",
            load(environment.load_at_start),
            load(environment.load_at_end),
            environment.threads
        ),
    ));
    if let Some(model) = &report.model {
        rows.push((
            "model",
            format!("{}, {} bytes, FNV-1a {}", model.path, model.bytes, model.hash),
        ));
    }
    rows.push((
        "measured",
        format!(
            "by turns, until the median is known to ±{}% with 95 % confidence (order statistics), or for {} s each",
            (1e4 * rule.precision).round() / 1e2,
            rule.max_time
        ),
    ));
    rows.push((
        "checked",
        "every answer, against the float64 reference, before and after it was timed".to_owned(),
    ));
    if environment.build == "debug" {
        rows.push((
            "WARNING",
            "a debug build: these times are of no use; build with --release".to_owned(),
        ));
    }
    if environment.is_busy() {
        rows.push((
            "WARNING",
            "the machine was busy: times are longer than they need be, and vary".to_owned(),
        ));
    }
    rows
}

fn machine(environment: &Environment) -> String {
    let memory = environment.memory.map_or("unknown".to_owned(), |bytes| {
        format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)
    });
    format!(
        "{}, {} threads, {memory} of memory, {}",
        environment.cpu, environment.threads, environment.os
    )
}

/// All sizes of all cases.
pub(super) fn points(report: &Report) -> impl Iterator<Item = (&CaseReport, &PointReport)> {
    report
        .cases
        .iter()
        .flat_map(|case| case.points.iter().map(move |point| (case, point)))
}

/// What a row is about: the case, with the size where it has several.
pub(super) fn row_name(case: &CaseReport, point: &PointReport) -> String {
    match case.sweep {
        Some(sweep) => format!("{} {} {}", case.name, sweep.name(), point.size),
        None => case.name.clone(),
    }
}

/// Milliseconds with as many digits as are worth reading.
pub(super) fn milliseconds(seconds: f64) -> String {
    let ms = 1e3 * seconds;
    match ms {
        ms if ms >= 100.0 => format!("{ms:.0}"),
        ms if ms >= 10.0 => format!("{ms:.1}"),
        ms if ms >= 1.0 => format!("{ms:.2}"),
        ms => format!("{ms:.3}"),
    }
}

fn rate(amount: u64, seconds: f64) -> String {
    match amount {
        0 => String::new(),
        _ if seconds <= 0.0 => String::new(),
        _ => format!("{:.1}", amount as f64 * 1e-9 / seconds),
    }
}

/// The table of warm runs with its head.
pub(super) fn warm_rows(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "case",
        "backend",
        "median ms",
        "95 % interval",
        "runs",
        "enough by",
        "GFLOP/s",
        "device ms",
        "device GFLOP/s",
        "device GB/s",
        "of ceiling",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (case, point) in points(report) {
        for (backend, outcome) in report.backends.iter().zip(&point.outcomes) {
            let mut row = vec![row_name(case, point), backend.label.clone()];
            match outcome {
                Outcome::Measured(measured) => {
                    let warm = &measured.warm;
                    row.push(milliseconds(warm.median));
                    row.push(warm.interval.map_or("too few".to_owned(), |interval| {
                        format!("{} to {}", milliseconds(interval.low), milliseconds(interval.high))
                    }));
                    row.push(warm.count.to_string());
                    row.push(stopped(measured.stop).to_owned());
                    row.push(rate(point.flops, warm.median));
                    if let Some(device) = &measured.device {
                        row.push(milliseconds(device.seconds));
                        row.push(rate(point.flops, device.seconds));
                        row.push(rate(device.bytes, device.seconds));
                        row.push(format!("{:.0}%", 100.0 * device.of_ceiling));
                    }
                }
                Outcome::Refused { .. } => row.push("WRONG".to_owned()),
                Outcome::Failed { .. } => row.push("failed".to_owned()),
            }
            rows.push(row);
        }
    }
    rows
}

pub(super) const fn stopped(stop: Stop) -> &'static str {
    match stop {
        Stop::Precision => "precision",
        Stop::Time => "time",
    }
}

/// What starting the backend and reading the model took, which happens before the first size of all and not again.
pub(super) fn before(report: &Report, backend: usize, case: &CaseReport, point: &PointReport) -> [f64; 2] {
    if is_first(report, case, point) {
        [report.backends[backend].start, case.read.unwrap_or(0.0)]
    } else {
        [0.0, 0.0]
    }
}

/// Whether nothing was measured before this: only its cold start begins with nothing.
pub(super) fn is_first(report: &Report, case: &CaseReport, point: &PointReport) -> bool {
    let first = points(report).next();
    first.is_some_and(|(first, size)| std::ptr::eq(first, case) && std::ptr::eq(size, point))
}

/// The table of parts with its head.
pub(super) fn part_rows(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "case",
        "backend",
        "start",
        "read",
        "graph",
        "session",
        "plan",
        "first run",
        "cold",
        "upload",
        "dispatch",
        "wait",
        "read-back",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (case, point) in points(report) {
        for (index, (backend, outcome)) in report.backends.iter().zip(&point.outcomes).enumerate() {
            let Some(measured) = outcome.measured() else { continue };
            let cold = measured.cold;
            let mut row = vec![row_name(case, point), backend.label.clone()];
            let [start, read] = before(report, index, case, point);
            let once = |seconds: f64| if seconds > 0.0 { milliseconds(seconds) } else { String::new() };
            row.extend([start, read].map(once));
            row.extend(
                [
                    cold.graph,
                    cold.session,
                    cold.plan,
                    cold.first_run,
                    start + read + cold.total(),
                ]
                .map(milliseconds),
            );
            if let Some(split) = measured.split {
                row.extend([split.upload, split.dispatch, split.wait, split.read_back].map(milliseconds));
            }
            rows.push(row);
        }
    }
    rows
}

/// A line for each answer that was refused and each run that failed.
pub(super) fn failures(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for (case, point) in points(report) {
        for (backend, outcome) in report.backends.iter().zip(&point.outcomes) {
            let name = format!("{} on {}", row_name(case, point), backend.label);
            match outcome {
                Outcome::Measured(_) => {}
                Outcome::Refused {
                    layer,
                    operator,
                    message,
                } => lines.push(format!(
                    "WRONG       {name}: not timed, since {operator} {layer:?} is wrong: {message}"
                )),
                Outcome::Failed { message } => lines.push(format!("failed      {name}: {message}")),
            }
        }
    }
    lines
}

/// Rows of cells under one another: the first columns flush left, the others flush right.
pub(super) fn aligned(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_one_another() {
        let rows = [vec!["case", "ms"], vec!["a", "1.25"], vec!["±longer"]];
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        assert_eq!(aligned(&rows, 1), "case       ms\na        1.25\n±longer\n");
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!(
            [0.1234, 0.01234, 0.001_234, 0.000_123_4].map(milliseconds),
            ["123", "12.3", "1.23", "0.123"]
        );
        assert_eq!(
            (rate(0, 1.0), rate(5, 0.0), rate(2_000_000_000, 0.5)),
            (String::new(), String::new(), "4.0".to_owned())
        );
    }
}
