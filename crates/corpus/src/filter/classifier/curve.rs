//! What a threshold costs: precision and recall at each, and the one that is asked for.

use serde::{Deserialize, Serialize};

/// What keeping all from a threshold on gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Texts with this probability or more are kept.
    pub threshold: f32,
    /// Share of the kept that are worth it.
    pub precision: f32,
    /// Share of those worth it that are kept.
    pub recall: f32,
}

impl Point {
    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f32 {
        let sum = self.precision + self.recall;
        if sum == 0.0 { 0.0 } else { 2.0 * self.precision * self.recall / sum }
    }
}

/// Points from the lowest threshold to the highest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curve(pub Vec<Point>);

impl Curve {
    /// The curve of 99 thresholds, a hundredth apart. Each item is the probability that a text is
    /// worth keeping, and whether it is.
    pub fn of(scored: &[(f32, bool)]) -> Curve {
        Curve((1..100).map(|percent| point(scored, percent as f32 / 100.0)).collect())
    }

    /// The lowest threshold with that precision, which keeps most.
    pub fn with_precision(&self, precision: f32) -> Option<Point> {
        self.0.iter().copied().find(|point| point.precision >= precision)
    }

    /// The highest threshold with that recall, which keeps the best.
    pub fn with_recall(&self, recall: f32) -> Option<Point> {
        self.0.iter().rev().copied().find(|point| point.recall >= recall)
    }

    /// The threshold with the highest F1.
    pub fn best(&self) -> Option<Point> {
        self.0.iter().copied().max_by(|a, b| a.f1().total_cmp(&b.f1()))
    }
}

/// Precision and recall of one threshold. Where nothing is kept, nothing is kept wrongly.
pub(super) fn point(scored: &[(f32, bool)], threshold: f32) -> Point {
    let kept = || scored.iter().filter(|&&(p, _)| p >= threshold);
    let n_kept = kept().count();
    let n_right = kept().filter(|&&(_, is_good)| is_good).count();
    let n_good = scored.iter().filter(|&&(_, is_good)| is_good).count();
    let share = |of: usize| if of == 0 { 1.0 } else { n_right as f32 / of as f32 };
    Point { threshold, precision: share(n_kept), recall: share(n_good) }
}

/// The area under the receiver's curve: how often a text worth keeping scores above one that is not;
/// ties count half.
pub fn auc(scored: &[(f32, bool)]) -> f32 {
    let mut sorted: Vec<_> = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut n_below, mut n_bad, mut n_good) = (0.0f64, 0.0f64, 0.0f64);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let good = tied.iter().filter(|&&(_, is_good)| is_good).count() as f64;
        let bad = tied.len() as f64 - good;
        n_below += good * (n_bad + bad / 2.0);
        n_bad += bad;
        n_good += good;
    }
    if n_good * n_bad == 0.0 { 0.5 } else { (n_below / (n_good * n_bad)) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORED: [(f32, bool); 5] =
        [(0.9, true), (0.8, true), (0.7, false), (0.4, true), (0.2, false)];

    #[test]
    fn thresholds_are_found_by_precision_or_recall() {
        let curve = Curve::of(&SCORED);
        let precise = curve.with_precision(1.0).unwrap();
        assert!(precise.threshold > 0.7 && precise.threshold < 0.72);
        assert!((precise.recall - 2.0 / 3.0).abs() < 1e-6);
        let whole = curve.with_recall(1.0).unwrap();
        assert!((whole.threshold - 0.4).abs() < 1e-6);
        assert!((whole.precision - 0.75).abs() < 1e-6);
        assert!((curve.best().unwrap().f1() - 6.0 / 7.0).abs() < 1e-6);
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        assert!((auc(&SCORED) - 5.0 / 6.0).abs() < 1e-6);
        assert!((auc(&[(0.5, true), (0.5, false)]) - 0.5).abs() < 1e-6);
    }
}
