//! Scores as probabilities, the best of them, and their names.

use ndarray::ArrayView1;

/// A class and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Place of the score.
    pub class: usize,
    /// The score.
    pub score: f32,
}

/// `exp(x - max) / sum`: PyTorch's `softmax` of a row. Of nothing it is nothing; a NaN makes all NaN.
pub fn softmax(scores: &ArrayView1<'_, f32>) -> Vec<f32> {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f64 = exponentials.iter().copied().map(f64::from).sum();
    exponentials
        .into_iter()
        .map(|value| (f64::from(value) / total) as f32)
        .collect()
}

/// The `count` largest scores, the largest first and of equals the first first; NaN are left out.
pub fn top_k(scores: impl IntoIterator<Item = f32>, count: usize) -> Vec<Ranked> {
    let ranked = scores.into_iter().enumerate().map(|(class, score)| Ranked { class, score });
    let mut ranked: Vec<Ranked> = ranked.filter(|ranked| !ranked.score.is_nan()).collect();
    ranked.sort_by(|left, right| right.score.total_cmp(&left.score));
    ranked.truncate(count);
    ranked
}

/// Names of classes, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<String>);

impl Labels {
    /// Of a text; spaces around a name are dropped, and lines without one at the end.
    pub fn parse(text: &str) -> Self {
        Self(text.trim_end().lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The name of a class, where there is one.
    pub fn name(&self, class: usize) -> Option<&str> {
        self.0.get(class).map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn probabilities_sum_to_one_however_large_the_scores() {
        let probabilities = softmax(&arr1(&[1000.0, 1000.0 + 2_f32.ln(), f32::NEG_INFINITY]).view());
        assert!((probabilities[0] - 1.0 / 3.0).abs() < 1e-4, "{probabilities:?}");
        assert_eq!((probabilities[2], probabilities.iter().sum::<f32>()), (0.0, 1.0));
        assert!(softmax(&arr1(&[1.0, f32::NAN]).view()).iter().all(|value| value.is_nan()));
        assert_eq!(softmax(&arr1(&[]).view()), [0.0; 0]);
    }

    #[test]
    fn the_best_come_first_and_of_equals_the_first() {
        let ranked = top_k([0.5, f32::NAN, 0.9, 0.5, -1.0], 3);
        let classes = ranked.iter().map(|ranked| ranked.class).collect::<Vec<_>>();
        assert_eq!((classes, ranked[0].score), (vec![2, 0, 3], 0.9));
        assert_eq!(top_k([1.0], 9).len(), 1);
    }

    #[test]
    fn labels_are_lines() {
        let labels = Labels::parse("cat\r\n big dog \n\nowl\n\n");
        assert_eq!(
            (labels.len(), labels.name(1), labels.name(2), labels.name(4)),
            (4, Some("big dog"), Some(""), None)
        );
    }
}
