//! The report as comma-separated values (RFC 4180), a line for each backend at each size; times in seconds.

use super::report::{Outcome, Report};
use super::table::{points, stopped};

const HEAD: &str = "case,sweep,size,backend,kind,outcome,runs,enough_by,least_s,lower_quartile_s,median_s,upper_quartile_s,\
greatest_s,interval_low_s,interval_high_s,start_s,read_s,graph_s,session_s,plan_s,first_run_s,upload_s,dispatch_s,wait_s,\
read_back_s,device_s,timing,flops,bytes,ceiling_gflops,ceiling_gbs,of_ceiling,message";

/// The report as comma-separated values with a head line. What was not measured is empty.
pub fn csv(report: &Report) -> String {
    let mut text = format!("{HEAD}\r\n");
    for (case, point) in points(report) {
        for (backend, outcome) in report.backends.iter().zip(&point.outcomes) {
            let mut cells = vec![
                case.name.clone(),
                case.sweep.map_or(String::new(), |sweep| sweep.name().to_owned()),
                point.size.to_string(),
                backend.label.clone(),
                backend.kind.clone(),
            ];
            match outcome {
                Outcome::Measured(measured) => {
                    let warm = &measured.warm;
                    cells.extend([
                        "measured".to_owned(),
                        warm.count.to_string(),
                        stopped(measured.stop).to_owned(),
                    ]);
                    let quartiles = [
                        warm.least,
                        warm.lower_quartile,
                        warm.median,
                        warm.upper_quartile,
                        warm.greatest,
                    ];
                    cells.extend(quartiles.map(number));
                    cells.extend([warm.interval.map(|known| known.low), warm.interval.map(|known| known.high)].map(optional));
                    cells.extend([number(backend.start), optional(case.read)]);
                    let cold = measured.cold;
                    cells.extend([cold.graph, cold.session, cold.plan, cold.first_run].map(number));
                    let split = measured.split;
                    cells.extend([
                        optional(split.map(|split| split.upload)),
                        optional(split.map(|split| split.dispatch)),
                        optional(split.map(|split| split.wait)),
                        optional(split.map(|split| split.read_back)),
                    ]);
                    let device = measured.device.as_ref();
                    cells.extend([
                        optional(device.map(|device| device.seconds)),
                        device.map_or(String::new(), |device| device.timing.clone()),
                        point.flops.to_string(),
                        device.map_or(String::new(), |device| device.bytes.to_string()),
                        optional(device.map(|device| device.ceiling_gflops)),
                        optional(device.map(|device| device.ceiling_gbs)),
                        optional(device.map(|device| device.of_ceiling)),
                        String::new(),
                    ]);
                }
                Outcome::Refused { layer, message, .. } => without_times(&mut cells, "wrong", &format!("{layer}: {message}")),
                Outcome::Failed { message } => without_times(&mut cells, "failed", message),
            }
            let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

fn without_times(cells: &mut Vec<String>, outcome: &str, message: &str) {
    cells.push(outcome.to_owned());
    let last = HEAD.split(',').count() - 1;
    cells.resize(last, String::new());
    cells.push(message.to_owned());
}

fn number(value: f64) -> String {
    format!("{value:.9}")
}

fn optional(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

/// In quotation marks where a comma, a quotation mark or a line's end is in it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{measured, report};

    #[test]
    fn every_line_has_every_column() {
        let text = csv(&report(&[(1, Some(measured(0.5, 2.0)), None)]));
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 3);
        let columns = HEAD.split(',').count();
        assert_eq!(lines[1].split(',').count(), columns, "{}", lines[1]);
        let median = HEAD.split(',').position(|name| name == "median_s").unwrap();
        assert_eq!(lines[1].split(',').nth(median), Some("0.500000000"));
        // Refused: no figure, and a message with a comma in quotation marks.
        assert!(
            lines[2].contains(",wrong,,,") && lines[2].ends_with("\"layer: off, by much\""),
            "{}",
            lines[2]
        );
        assert_eq!(lines[2].split(',').count(), columns + 1);
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }
}
