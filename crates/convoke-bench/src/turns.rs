//! Whose turn it is: backends are measured by turns, so that what the machine does meanwhile meets all of them alike.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::statistics::Summary;

/// When enough was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// How far the median may be off, as a part of it: 0.05 is ±5 %.
    pub precision: f64,
    /// The seconds that the runs of one backend may take together, at each size. The run in which they are over is finished.
    pub max_time: f64,
}

impl Default for Rule {
    /// ±5 %, or 5 seconds.
    fn default() -> Self {
        Self {
            precision: 0.05,
            max_time: 5.0,
        }
    }
}

/// Why no more was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// The median is known as well as asked for.
    Precision,
    /// The time was over.
    Time,
}

/// Runs without which no median counts as known: chance makes the first few look alike.
const FEWEST: usize = 10;
/// The part of the most time that must be over before a median counts as known: runs within the same few milliseconds are alike,
/// and say little of the next minute.
const LEAST_TIME: f64 = 0.1;
/// Runs after which the machine's noise will not average out any more.
const MOST: usize = 10_000;

/// The runs of each backend so far, and whose turn it is.
#[derive(Debug)]
pub struct Turns {
    rule: Rule,
    lanes: Vec<Lane>,
    round: usize,
    queue: VecDeque<usize>,
}

#[derive(Debug, Default)]
struct Lane {
    seconds: Vec<f64>,
    used: f64,
    is_precise: bool,
    has_given_up: bool,
}

impl Turns {
    /// No run of any backend yet.
    pub fn new(backends: usize, rule: Rule) -> Self {
        Self {
            rule,
            lanes: (0..backends).map(|_| Lane::default()).collect(),
            round: 0,
            queue: VecDeque::new(),
        }
    }

    /// Who runs next; `None` when all are known well enough, or out of time. In each round everybody who has time left runs
    /// once, and the one that begins is the next one each time. Whoever is known well enough goes on while others do.
    pub fn next_lane(&mut self) -> Option<usize> {
        if self.queue.is_empty() {
            if self.lanes.iter().all(|lane| lane.is_precise || lane.is_over(&self.rule)) {
                return None;
            }
            let count = self.lanes.len();
            let order = (0..count).map(|offset| (self.round + offset) % count);
            self.queue.extend(order.filter(|&lane| !self.lanes[lane].is_over(&self.rule)));
            self.round += 1;
        }
        self.queue.pop_front()
    }

    /// How long that run took.
    pub fn record(&mut self, lane: usize, seconds: f64) {
        let lane = &mut self.lanes[lane];
        lane.seconds.push(seconds);
        lane.used += seconds;
        let count = lane.seconds.len();
        // Sorting after every run of many would take longer than the runs.
        if count >= FEWEST && count.is_multiple_of((count / 16).max(1)) {
            lane.is_precise = lane.is_known(&self.rule);
        }
    }

    /// A backend that cannot go on.
    pub fn give_up(&mut self, lane: usize) {
        self.lanes[lane].has_given_up = true;
        self.queue.retain(|&other| other != lane);
    }

    /// How far along a backend is, from 0 to 1, by its time.
    pub fn progress(&self, lane: usize) -> f64 {
        (self.lanes[lane].used / self.rule.max_time).min(1.0)
    }

    /// What came of a backend; `None` if it never ran.
    pub fn outcome(&self, lane: usize) -> Option<(Summary, Stop)> {
        let lane = &self.lanes[lane];
        let stop = if lane.is_known(&self.rule) {
            Stop::Precision
        } else {
            Stop::Time
        };
        Some((Summary::new(&lane.seconds)?, stop))
    }
}

impl Lane {
    fn is_over(&self, rule: &Rule) -> bool {
        self.has_given_up || (self.used >= rule.max_time && !self.seconds.is_empty()) || self.seconds.len() >= MOST
    }

    fn is_known(&self, rule: &Rule) -> bool {
        let summary = Summary::new(&self.seconds).and_then(|summary| summary.precision());
        let is_enough = self.seconds.len() >= FEWEST && self.used >= LEAST_TIME * rule.max_time;
        is_enough && summary.is_some_and(|reached| reached <= rule.precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(precision: f64, max_time: f64) -> Rule {
        Rule { precision, max_time }
    }

    /// Runs to the end; each backend takes what `seconds` says of its n-th run.
    fn run(backends: usize, rule: Rule, seconds: impl Fn(usize, usize) -> f64) -> (Vec<usize>, Turns) {
        let mut turns = Turns::new(backends, rule);
        let mut order = Vec::new();
        while let Some(lane) = turns.next_lane() {
            let run = turns.lanes[lane].seconds.len();
            turns.record(lane, seconds(lane, run));
            order.push(lane);
        }
        (order, turns)
    }

    #[test]
    fn backends_alternate_and_the_first_one_changes() {
        let (order, _) = run(3, rule(0.05, 5.0), |_, _| 0.1);
        assert_eq!(order[..12], [0, 1, 2, 1, 2, 0, 2, 0, 1, 0, 1, 2]);
        // Equal times are as precise as can be after the fewest runs.
        assert_eq!(order.len(), 3 * FEWEST);
    }

    #[test]
    fn a_slow_one_is_out_of_time_and_does_not_keep_the_others_from_running() {
        let noisy = |run: usize| if run.is_multiple_of(2) { 0.01 } else { 0.02 };
        let (order, turns) = run(2, rule(0.05, 1.0), |lane, run| if lane == 0 { 3.0 } else { noisy(run) });
        assert_eq!(order.iter().filter(|&&lane| lane == 0).count(), 1, "one run is over the time");
        let (slow, stop) = turns.outcome(0).unwrap();
        assert_eq!((slow.count, slow.median, slow.interval, stop), (1, 3.0, None, Stop::Time));
        let (noisy, stop) = turns.outcome(1).unwrap();
        // 0.01 and 0.02 by turns never come within ±5 %.
        assert_eq!((noisy.count, stop), (67, Stop::Time));
    }

    #[test]
    fn whoever_is_precise_goes_on_with_the_others() {
        let (order, turns) = run(2, rule(0.05, 1.0), |lane, run| match lane {
            0 => 0.01,
            _ if run < 30 => 0.01 * (1 + run % 3) as f64,
            _ => 0.02,
        });
        let counts = [0, 1].map(|lane| order.iter().filter(|&&other| other == lane).count());
        assert_eq!(
            counts[0], counts[1],
            "the steady one runs as often as the other, in the same weather"
        );
        assert!(counts[1] > 30);
        assert_eq!(turns.outcome(1).unwrap().1, Stop::Precision);
    }

    #[test]
    fn runs_of_the_same_moment_are_not_enough() {
        let (order, turns) = run(1, rule(0.05, 1.0), |_, _| 0.001);
        assert!((100..120).contains(&order.len()), "a tenth of the time: {}", order.len());
        assert_eq!(turns.outcome(0).unwrap().1, Stop::Precision);
    }

    #[test]
    fn who_gave_up_runs_no_more_and_without_backends_nobody_does() {
        let mut turns = Turns::new(2, rule(0.05, 1.0));
        turns.give_up(0);
        assert_eq!([turns.next_lane(), turns.next_lane()], [Some(1), Some(1)]);
        turns.give_up(1);
        assert_eq!(turns.next_lane(), None);
        assert!(run(0, rule(0.05, 1.0), |_, _| 1.0).0.is_empty());
        assert!(Turns::new(1, rule(0.05, 1.0)).outcome(0).is_none());
    }
}
