//! Minimal pairs: is the acceptable sentence of each more probable than the other (BLiMP, Warstadt
//! et al. 2020)?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::tasks::{Score, Share, Text};

/// Two sentences that differ in one point, of which one is acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MinimalPair {
    /// The acceptable sentence.
    #[serde(alias = "sentence_good")]
    pub good: String,
    /// The other.
    #[serde(alias = "sentence_bad")]
    pub bad: String,
    /// The pattern that both are made from.
    #[serde(default, alias = "uid", alias = "UID")]
    pub paradigm: String,
    /// What the paradigm tests.
    #[serde(default, alias = "term", alias = "linguistics_term")]
    pub phenomenon: String,
    /// The part of grammar it belongs to.
    #[serde(default)]
    pub field: String,
}

/// How a model fares on minimal pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MinimalPairs {
    /// All pairs.
    #[serde(flatten)]
    pub overall: Share,
    /// By what they test, in alphabetical order.
    pub phenomena: Vec<Phenomenon>,
}

/// Pairs that test one phenomenon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phenomenon {
    /// The part of grammar.
    pub field: String,
    /// The phenomenon.
    pub phenomenon: String,
    /// All its pairs.
    #[serde(flatten)]
    pub share: Share,
    /// Its paradigms.
    pub paradigms: Vec<Paradigm>,
}

/// Pairs of one pattern.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paradigm {
    /// Its name.
    pub paradigm: String,
    /// Its pairs.
    #[serde(flatten)]
    pub share: Share,
}

/// The share of `pairs` whose acceptable sentence is the more probable, as `score` has it.
///
/// # Errors
/// Those of `score`.
pub fn minimal_pairs(
    pairs: &[MinimalPair],
    score: impl FnOnce(&[Text]) -> Result<Vec<Score>, Error>,
) -> Result<MinimalPairs, Error> {
    let whole = |sentence: &str| Text { context: String::new(), rest: sentence.to_owned() };
    let texts: Vec<Text> =
        pairs.iter().flat_map(|pair| [whole(&pair.good), whole(&pair.bad)]).collect();
    let scores = score(&texts)?;
    let is_right = |pair: &[Score]| pair[0].log_probability > pair[1].log_probability;
    let results: Vec<bool> = scores.chunks_exact(2).map(is_right).collect();

    let mut groups: BTreeMap<(&str, &str), BTreeMap<&str, Vec<bool>>> = BTreeMap::new();
    for (pair, &is_right) in pairs.iter().zip(&results) {
        let paradigms = groups.entry((&pair.field, &pair.phenomenon)).or_default();
        paradigms.entry(&pair.paradigm).or_default().push(is_right);
    }
    let phenomena = groups.into_iter().map(|((field, phenomenon), paradigms)| Phenomenon {
        field: field.to_owned(),
        phenomenon: phenomenon.to_owned(),
        share: Share::of(paradigms.values().flatten().copied()),
        paradigms: paradigms
            .into_iter()
            .map(|(paradigm, results)| Paradigm {
                paradigm: paradigm.to_owned(),
                share: Share::of(results),
            })
            .collect(),
    });
    Ok(MinimalPairs { phenomena: phenomena.collect(), overall: Share::of(results) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_by_paradigm_and_a_tie_is_not_right() {
        let pair = |good: &str, bad: &str, paradigm: &str, phenomenon: &str| MinimalPair {
            good: good.to_owned(),
            bad: bad.to_owned(),
            paradigm: paradigm.to_owned(),
            phenomenon: phenomenon.to_owned(),
            field: "syntax".to_owned(),
        };
        let pairs = [
            pair("a", "bb", "p", "x"),
            pair("bb", "a", "p", "x"),
            pair("a", "b", "q", "x"),
            pair("a", "bb", "r", "y"),
        ];
        // A model that likes short texts.
        let found = minimal_pairs(&pairs, |texts| {
            let score =
                |t: &Text| Score { log_probability: -(t.rest.len() as f64), is_greedy: false };
            Ok(texts.iter().map(score).collect())
        })
        .unwrap();
        assert_eq!((found.overall.accuracy, found.overall.n), (0.5, 4));
        let shares: Vec<_> = found
            .phenomena
            .iter()
            .flat_map(|x| x.paradigms.iter().map(|p| (&*p.paradigm, p.share.accuracy)))
            .collect();
        assert_eq!(shares, [("p", 0.5), ("q", 0.0), ("r", 1.0)]);
        assert_eq!(found.phenomena[0].share.n, 3);
    }
}
