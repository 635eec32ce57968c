//! What a series of times says: median, quartiles, and how well the median is known.

use serde::{Deserialize, Serialize};

/// A range that holds a number with the stated confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether two ranges have a number in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// A series of times in seconds, described without assuming how they are distributed: times are bounded below and have a
/// long tail above, so that mean and standard deviation say little.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many there are.
    pub count: usize,
    /// The least.
    pub least: f64,
    /// A quarter is below it.
    pub lower_quartile: f64,
    /// Half is below it.
    pub median: f64,
    /// A quarter is above it.
    pub upper_quartile: f64,
    /// The greatest.
    pub greatest: f64,
    /// Where the median of the times lies from which these were drawn, with at least 95 % confidence, by order statistics:
    /// the k-th time from below and from above, with the largest k for which `2 * P(Binomial(count, 1/2) < k) <= 5 %`.
    /// `None` for fewer than six times, which allow no such statement.
    pub interval: Option<Interval>,
}

/// What may lie outside of the interval.
const RISK: f64 = 0.05;

impl Summary {
    /// Describes a series; `None` for an empty one, or where a time is not a number.
    pub fn new(seconds: &[f64]) -> Option<Self> {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&least, &greatest) = (sorted.first()?, sorted.last()?);
        if sorted.iter().any(|time| time.is_nan()) {
            return None;
        }
        let count = sorted.len();
        Some(Self {
            count,
            least,
            lower_quartile: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper_quartile: quantile(&sorted, 0.75),
            greatest,
            interval: median_rank(count).map(|rank| Interval {
                low: sorted[rank - 1],
                high: sorted[count - rank],
            }),
        })
    }

    /// How far the median may be off at most, as a part of it: 0.05 says ±5 %. `None` without an interval.
    pub fn precision(&self) -> Option<f64> {
        let interval = self.interval?;
        let off = (interval.high - self.median).max(self.median - interval.low);
        (self.median > 0.0).then(|| off / self.median)
    }

    /// The interval, or where there is none the whole range: what is certain of few runs.
    pub fn range(&self) -> Interval {
        self.interval.unwrap_or(Interval {
            low: self.least,
            high: self.greatest,
        })
    }
}

/// The time below which a part of the sorted times lies, interpolated as by `NumPy`'s default.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    (above - below).mul_add(place.fract(), below)
}

/// The largest k, counted from 1, for which a median lies between the k-th time from below and the k-th from above with the
/// confidence wanted.
fn median_rank(count: usize) -> Option<usize> {
    // Logarithms: 2^-count is 0 from 1075 on.
    let ln_half_to_count = -(count as f64) * std::f64::consts::LN_2;
    let (mut ln_choose, mut below) = (0.0_f64, 0.0_f64);
    let mut rank = 0;
    for successes in 0..count.div_ceil(2) {
        below += (ln_choose + ln_half_to_count).exp();
        if 2.0 * below > RISK {
            break;
        }
        rank = successes + 1;
        ln_choose += ((count - successes) as f64 / (successes + 1) as f64).ln();
    }
    (rank > 0).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        // Conover, Practical Nonparametric Statistics: the sign test's bounds at 95 %.
        for (count, rank) in [
            (6, 1),
            (8, 1),
            (9, 2),
            (10, 2),
            (15, 4),
            (20, 6),
            (25, 8),
            (50, 18),
            (100, 40),
            (1000, 469),
        ] {
            assert_eq!(median_rank(count), Some(rank), "{count}");
        }
        assert!((0..6).all(|count| median_rank(count).is_none()));
        // Where 2^-count is no number any more; the normal approximation gives (n - 1.96 sqrt(n)) / 2.
        let rank = median_rank(10_000).unwrap();
        assert!((4900..=4903).contains(&rank), "{rank}");
    }

    #[test]
    fn a_series_is_described_whatever_its_order() {
        let summary = Summary::new(&[7.0, 1.0, 3.0, 2.0, 10.0, 4.0, 5.0, 6.0, 9.0, 8.0]).unwrap();
        assert_eq!((summary.count, summary.least, summary.greatest), (10, 1.0, 10.0));
        assert_eq!(
            (summary.lower_quartile, summary.median, summary.upper_quartile),
            (3.25, 5.5, 7.75)
        );
        assert_eq!(summary.interval, Some(Interval { low: 2.0, high: 9.0 }));
        assert_eq!(summary.precision(), Some(3.5 / 5.5));
    }

    #[test]
    fn few_times_have_no_interval_and_none_no_summary() {
        let summary = Summary::new(&[2.0, 1.0, 4.0]).unwrap();
        assert_eq!((summary.median, summary.interval, summary.precision()), (2.0, None, None));
        assert_eq!(summary.range(), Interval { low: 1.0, high: 4.0 });
        assert_eq!(Summary::new(&[]), None);
        assert_eq!(Summary::new(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn the_interval_holds_the_median_as_often_as_it_says() {
        let mut random = convoke::testing::Random::new(5);
        let (mut held, series) = (0, 2000);
        for _ in 0..series {
            // Exponential-like: far from normal; the median of -ln(u) is ln 2.
            let times: Vec<f64> = (0..25)
                .map(|_| -((random.below(1 << 30) + 1) as f64 / f64::from(1 << 30)).ln())
                .collect();
            let interval = Summary::new(&times).unwrap().interval.unwrap();
            held += usize::from((interval.low..=interval.high).contains(&std::f64::consts::LN_2));
        }
        // 95.7 % for 25 times.
        assert!((1880..=1945).contains(&held), "{held} of {series}");
    }

    #[test]
    fn ranges_overlap_or_do_not() {
        let range = |low, high| Interval { low, high };
        assert!(range(1.0, 2.0).overlaps(&range(2.0, 3.0)) && range(1.0, 9.0).overlaps(&range(2.0, 3.0)));
        assert!(!range(1.0, 2.0).overlaps(&range(2.1, 3.0)) && !range(2.1, 3.0).overlaps(&range(1.0, 2.0)));
    }
}
