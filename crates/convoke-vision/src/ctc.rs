//! Text of a recogniser that was trained by CTC: of scores for each step, one of which is for blank.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::error::{Result, invalid};

/// Classes without blanks and repetitions, and how likely they are: of the one path ([`greedy`]) or of all that were followed
/// ([`beam`]), as a natural logarithm.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// In order.
    pub classes: Vec<usize>,
    /// Natural logarithm of the probability, where the scores are such logarithms.
    pub score: f32,
}

/// The best class of each step, repetitions and blanks dropped, of scores `[T, C]`.
///
/// Errors: no class, or a blank that is none of them.
pub fn greedy(scores: &ArrayView2<'_, f32>, blank: usize) -> Result<Decoded> {
    check(scores, blank)?;
    let (mut classes, mut last, mut total) = (Vec::new(), blank, 0.0);
    for step in scores.rows() {
        let better = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
        let (class, score) = step.iter().copied().enumerate().reduce(better).unwrap_or_default();
        if class != blank && class != last {
            classes.push(class);
        }
        last = class;
        total += score;
    }
    Ok(Decoded { classes, score: total })
}

/// How likely a beginning is, as logarithms, of the paths that end with a blank and of those that do not.
#[derive(Clone, Copy)]
struct Mass {
    blank: f32,
    other: f32,
}

impl Default for Mass {
    fn default() -> Self {
        Self {
            blank: f32::NEG_INFINITY,
            other: f32::NEG_INFINITY,
        }
    }
}

impl Mass {
    fn all(self) -> f32 {
        sum(self.blank, self.other)
    }
}

/// `log(exp(a) + exp(b))`.
fn sum(a: f32, b: f32) -> f32 {
    let (least, most) = if a < b { (a, b) } else { (b, a) };
    if least == f32::NEG_INFINITY {
        most
    } else {
        most + (least - most).exp().ln_1p()
    }
}

/// The most likely texts, the best first, of logarithms of probabilities `[T, C]` (a log-softmax): a search that follows the `width`
/// best beginnings from step to step and sums up all paths to each.
///
/// Errors: no class, a blank that is none of them, or a width of 0.
pub fn beam(scores: &ArrayView2<'_, f32>, blank: usize, width: usize) -> Result<Vec<Decoded>> {
    check(scores, blank)?;
    if width == 0 {
        return invalid("a beam is at least 1 wide, but 0 came");
    }
    let first = Mass {
        blank: 0.0,
        ..Mass::default()
    };
    let mut beams: Vec<(Vec<usize>, Mass)> = vec![(Vec::new(), first)];
    for step in scores.rows() {
        let mut next: BTreeMap<Vec<usize>, Mass> = BTreeMap::new();
        for (text, mass) in &beams {
            let stays = next.entry(text.clone()).or_default();
            stays.blank = sum(stays.blank, mass.all() + step[blank]);
            if let Some(&last) = text.last() {
                stays.other = sum(stays.other, mass.other + step[last]);
            }
            for (class, &score) in step.iter().enumerate().filter(|&(class, _)| class != blank) {
                // The same class again is a second one only after a blank.
                let from = if text.last() == Some(&class) { mass.blank } else { mass.all() };
                let mut longer = text.clone();
                longer.push(class);
                let grows = next.entry(longer).or_default();
                grows.other = sum(grows.other, from + score);
            }
        }
        beams = next.into_iter().collect();
        beams.sort_by(|(_, left), (_, right)| right.all().total_cmp(&left.all()));
        beams.truncate(width);
    }
    let decoded = |(classes, mass): (Vec<usize>, Mass)| Decoded {
        classes,
        score: mass.all(),
    };
    Ok(beams.into_iter().map(decoded).collect())
}

fn check(scores: &ArrayView2<'_, f32>, blank: usize) -> Result<()> {
    if blank < scores.ncols() {
        return Ok(());
    }
    let shape = scores.shape();
    invalid(format!(
        "the blank is one of the classes of [steps, classes], but it is {blank} and {shape:?} came"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr2};

    #[test]
    fn repetitions_and_blanks_are_dropped() {
        let steps = [1, 1, 0, 1, 2, 2, 0, 0, 2];
        let scores = Array2::from_shape_fn((9, 3), |(step, class)| if steps[step] == class { -0.5 } else { -1.5 });
        let decoded = greedy(&scores.view(), 0).unwrap();
        assert_eq!((decoded.classes, decoded.score), (vec![1, 1, 2, 2], -4.5));
        assert_eq!(greedy(&scores.view(), 2).unwrap().classes, [1, 0, 1, 0]);
        let error = greedy(&scores.view(), 3).unwrap_err().to_string();
        assert_eq!(
            error,
            "the blank is one of the classes of [steps, classes], but it is 3 and [9, 3] came"
        );
        assert!(beam(&scores.view(), 0, 0).is_err());
        assert_eq!(greedy(&Array2::zeros((0, 3)).view(), 0).unwrap().classes, [0; 0]);
    }

    /// All paths, one after another.
    fn exhaustive(scores: &Array2<f32>, blank: usize) -> BTreeMap<Vec<usize>, f64> {
        let (steps, classes) = scores.dim();
        let mut texts = BTreeMap::new();
        for path in 0..classes.pow(steps as u32) {
            let class = |step: usize| path / classes.pow(step as u32) % classes;
            let mut text: Vec<usize> = (0..steps).map(class).collect();
            let probability: f64 = (0..steps).map(|step| f64::from(scores[[step, class(step)]])).sum();
            text.dedup();
            text.retain(|&class| class != blank);
            *texts.entry(text).or_insert(0.0) += probability.exp();
        }
        texts
    }

    #[test]
    fn a_wide_beam_sums_up_all_paths() {
        let logits = Array2::from_shape_fn((6, 4), |(step, class)| {
            ((7 * step + 5 * class + step * class * 3) % 11) as f32 / 4.0
        });
        let rows = logits.rows().into_iter().flat_map(|row| crate::classify::softmax(&row));
        let scores = Array2::from_shape_vec((6, 4), rows.map(f32::ln).collect()).unwrap();
        for blank in [0, 3] {
            let expected = exhaustive(&scores, blank);
            let beams = beam(&scores.view(), blank, 100_000).unwrap();
            assert_eq!(
                beams.len(),
                beams
                    .iter()
                    .filter(|beam| expected.contains_key(&beam.classes) || beam.score == f32::NEG_INFINITY)
                    .count()
            );
            for beam in beams.iter().filter(|beam| beam.score > f32::NEG_INFINITY) {
                let (got, want) = (f64::from(beam.score).exp(), expected[&beam.classes]);
                assert!(
                    (got - want).abs() < 1e-5 * want + 1e-9,
                    "{:?}: {got} for {want}",
                    beam.classes
                );
            }
            let best = expected.iter().max_by(|left, right| left.1.total_cmp(right.1)).unwrap();
            assert_eq!(&beams[0].classes, best.0);
        }
    }

    /// The best path is all blanks (0.36), but two of them say 1 (0.24 + 0.24 + 0.16).
    #[test]
    fn a_beam_finds_what_the_best_path_is_not() {
        let scores = arr2(&[[0.6_f32, 0.4], [0.6, 0.4]]).mapv(f32::ln);
        assert_eq!(greedy(&scores.view(), 0).unwrap().classes, [0; 0]);
        let best = &beam(&scores.view(), 0, 4).unwrap()[0];
        assert_eq!(best.classes, [1]);
        assert!((best.score.exp() - 0.64).abs() < 1e-6);
    }
}
