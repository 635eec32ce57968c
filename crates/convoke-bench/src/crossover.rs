//! Where one backend begins to be faster than another, and what else follows from the times.

use super::report::{CaseReport, Measured, Report};
use super::statistics::Summary;
use super::table::{is_first, row_name};

/// Two neighbouring sizes between which the faster of two backends changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// The greatest size at which the one was still faster, beyond the noise.
    pub from: usize,
    /// The least size above it at which the other one is.
    pub to: usize,
    /// Where both take equally long, if times are powers of the size in between.
    pub estimate: f64,
    /// Whether it is the second backend that is faster from there on.
    pub to_second: bool,
}

/// Where the faster of two backends changes. Each size comes with the times of both. One is faster only where the intervals of the
/// medians do not overlap; sizes where they do say nothing.
pub fn crossings(points: &[(usize, Summary, Summary)]) -> Vec<Crossing> {
    let mut clear: Vec<(usize, f64, bool)> = points
        .iter()
        .filter(|(_, first, second)| !first.range().overlaps(&second.range()))
        .map(|(size, first, second)| (*size, (first.median / second.median).ln(), first.median > second.median))
        .collect();
    clear.sort_by_key(|(size, ..)| *size);
    let changes = clear.windows(2).filter(|pair| pair[0].2 != pair[1].2);
    changes
        .map(|pair| {
            let [(from, before, _), (to, after, to_second)] = [pair[0], pair[1]];
            let [low, high] = [from, to].map(|size| (size as f64).ln());
            Crossing {
                from,
                to,
                // The ratio's logarithm is linear in the size's logarithm, and 0 where times are equal.
                estimate: (low + (high - low) * before / (before - after)).exp(),
                to_second,
            }
        })
        .collect()
}

/// What follows from the times, in sentences: for each model and pair of backends which is faster, from which size on, and
/// how many runs it takes for the cold start to pay.
pub fn findings(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for case in report.cases.iter().filter(|case| case.read.is_some()) {
        for second in 1..report.backends.len() {
            for first in 0..second {
                pair(report, case, [first, second], &mut lines);
            }
        }
    }
    lines
}

fn pair(report: &Report, case: &CaseReport, indices: [usize; 2], lines: &mut Vec<String>) {
    let names = indices.map(|index| report.backends[index].label.as_str());
    let both = case.points.iter().filter_map(|point| {
        let [first, second] = indices.map(|index| point.outcomes.get(index).and_then(|outcome| outcome.measured()));
        Some((point, first?, second?))
    });
    let both: Vec<_> = both.collect();
    let points: Vec<_> = both
        .iter()
        .map(|(point, first, second)| (point.size, first.warm, second.warm))
        .collect();
    if let Some(sweep) = case.sweep.filter(|_| points.len() > 1) {
        let crossings = crossings(&points);
        for crossing in &crossings {
            let (slower, faster) = if crossing.to_second { (0, 1) } else { (1, 0) };
            lines.push(format!(
                "crossover   {}: {} is faster than {} from {} {} on, not yet at {}; equal at about {:.1}",
                case.name,
                names[faster],
                names[slower],
                sweep.name(),
                crossing.to,
                crossing.from,
                crossing.estimate
            ));
        }
        if crossings.is_empty() {
            lines.push(format!(
                "crossover   {}: no crossover of {} and {} at these sizes",
                case.name, names[0], names[1]
            ));
        }
    }
    for (point, first, second) in both {
        let name = row_name(case, point);
        if first.warm.range().overlaps(&second.warm.range()) {
            lines.push(format!(
                "warm        {name}: {} and {} do not differ beyond the noise",
                names[0], names[1]
            ));
            continue;
        }
        let (faster, slower) = if first.warm.median < second.warm.median {
            (0, 1)
        } else {
            (1, 0)
        };
        let measured = [first, second];
        let starts = indices.map(|index| report.backends[index].start);
        let pays = match runs_to_pay([starts[faster], starts[slower]], [measured[faster], measured[slower]]) {
            // Later sizes find kernels that earlier ones compiled.
            _ if !is_first(report, case, point) => String::new(),
            Some(1) => ", and ahead from the first run on, its cold start included".to_owned(),
            Some(runs) => format!("; its cold start has paid after {runs} runs"),
            None => String::new(),
        };
        let line = format!(
            "warm        {name}: {} is {:.2} times as fast as {}{pays}",
            names[faster],
            measured[slower].warm.median / measured[faster].warm.median,
            names[slower]
        );
        lines.push(line);
    }
}

/// After how many runs, cold start and first run included, the one that is faster when warm is ahead.
fn runs_to_pay(starts: [f64; 2], [faster, slower]: [&Measured; 2]) -> Option<u64> {
    let lead = slower.warm.median - faster.warm.median;
    let behind = starts[0] + faster.cold.total() - starts[1] - slower.cold.total();
    let runs = (behind / lead).max(0.0).ceil();
    (lead > 0.0 && runs.is_finite()).then_some(runs as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{measured, report};

    /// Times known to ±1 %.
    fn known(seconds: f64) -> Summary {
        Summary::new(&[0.99 * seconds, seconds, seconds, seconds, seconds, 1.01 * seconds]).unwrap()
    }

    #[test]
    fn curves_cross_where_they_are_equal() {
        // 10 + 1 n against 3 n, in milliseconds: equal at 5.
        let points = [1, 2, 4, 8, 16].map(|n| (n, known(10.0 + n as f64), known(3.0 * n as f64)));
        let crossings = crossings(&points);
        assert_eq!(crossings.len(), 1);
        assert_eq!((crossings[0].from, crossings[0].to, crossings[0].to_second), (4, 8, false));
        assert!((4.5..5.5).contains(&crossings[0].estimate), "{crossings:?}");
        // The order of sizes does not matter, and the other way round it is the other.
        let turned: Vec<_> = points.iter().rev().map(|&(n, first, second)| (n, second, first)).collect();
        let other = super::crossings(&turned);
        assert!(other.len() == 1 && other[0].to_second && (other[0].estimate - crossings[0].estimate).abs() < 1e-9);
    }

    #[test]
    fn powers_cross_exactly_where_they_are_equal() {
        // 8 n against n^2.
        let points = [4, 32].map(|n| (n, known(8.0 * n as f64), known((n * n) as f64)));
        assert!((crossings(&points)[0].estimate - 8.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_within_the_noise_is_no_crossing() {
        let points = [
            (1, known(1.0), known(2.0)),
            (2, known(2.0), known(1.999)),
            (4, known(3.0), known(4.0)),
        ];
        assert!(crossings(&points).is_empty());
        assert!(crossings(&[]).is_empty());
    }

    #[test]
    fn sentences_say_who_wins_and_when_it_pays() {
        // The first: 10 s cold, 1 s warm; the second: 1 s cold, 2 s warm.
        let report = report(&[(4, Some(measured(1.0, 10.0)), Some(measured(2.0, 1.0)))]);
        let lines = findings(&report);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("first is 2.00 times as fast as second"), "{lines:?}");
        assert!(lines[0].ends_with("has paid after 10 runs"), "{lines:?}");
        let equal = findings(&crate::report::tests::report(&[(
            1,
            Some(measured(1.0, 1.0)),
            Some(measured(1.0, 1.0)),
        )]));
        assert!(equal[0].contains("do not differ"), "{equal:?}");
    }
}
