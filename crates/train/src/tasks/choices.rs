//! Gaps with choices: does the right candidate make the text more probable than every other (CHID,
//! Zheng et al. 2019)?

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::tasks::{Score, Share, Text};

/// How a gap is written, in CHID and in texts of one's own.
const GAPS: [&str; 2] = ["#idiom#", "____"];

/// A text with a gap and what might fill it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Record")]
pub struct Choice {
    before: String,
    after: String,
    candidates: Vec<String>,
    answer: usize,
}

#[derive(Deserialize)]
struct Record {
    #[serde(alias = "text")]
    content: String,
    #[serde(alias = "choices")]
    candidates: Vec<String>,
    answer: usize,
}

impl TryFrom<Record> for Choice {
    type Error = String;

    fn try_from(Record { content, candidates, answer }: Record) -> Result<Self, String> {
        let Some((before, after)) = GAPS.iter().find_map(|gap| content.split_once(gap)) else {
            return Err(format!("its content has no gap, which is written {}", GAPS.join(" or ")));
        };
        let n = candidates.len();
        if n < 2 {
            return Err(format!("it has {n} candidates; a choice is among at least two"));
        }
        if answer >= n {
            return Err(format!("its answer is {answer}; its {n} candidates are counted from 0"));
        }
        let (before, after) = (before.to_owned(), after.to_owned());
        Ok(Choice { before, after, candidates, answer })
    }
}

impl Choice {
    /// The text before the gap.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The text after the gap.
    pub fn after(&self) -> &str {
        &self.after
    }

    /// The text as it is with each candidate. All of it is judged, because a candidate may share
    /// a token with what stands around it.
    fn texts(&self) -> impl Iterator<Item = Text> {
        self.candidates.iter().map(|candidate| Text {
            context: String::new(),
            rest: [&*self.before, candidate, &*self.after].concat(),
        })
    }
}

/// How a model fares on choices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Choices {
    /// The share of gaps whose right candidate gives the most probable text.
    #[serde(flatten)]
    pub share: Share,
    /// The share that guessing would get.
    pub chance: f64,
}

/// Fills the gap of each text with the candidate that makes it the most probable, as `score` has
/// it; the first of equals.
///
/// # Errors
/// Those of `score`.
pub fn choices(
    gaps: &[Choice],
    score: impl FnOnce(&[Text]) -> Result<Vec<Score>, Error>,
) -> Result<Choices, Error> {
    let texts: Vec<Text> = gaps.iter().flat_map(Choice::texts).collect();
    let mut scores = score(&texts)?.into_iter().map(|score| score.log_probability);
    let is_right = |gap: &Choice| {
        let mut best = (0, f64::NEG_INFINITY);
        for (index, score) in scores.by_ref().take(gap.candidates.len()).enumerate() {
            best = if score > best.1 { (index, score) } else { best };
        }
        best.0 == gap.answer
    };
    let share = Share::of(gaps.iter().map(is_right));
    let by_guessing: f64 = gaps.iter().map(|gap| 1.0 / gap.candidates.len() as f64).sum();
    Ok(Choices { share, chance: by_guessing / gaps.len().max(1) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_text_wins() {
        let gap = |candidates: &[&str], answer| Choice {
            before: "a ".to_owned(),
            after: " day".to_owned(),
            candidates: candidates.iter().map(|&candidate| candidate.to_owned()).collect(),
            answer,
        };
        let gaps = [gap(&["long", "short", "odd"], 2), gap(&["far", "near"], 1)];
        let found = choices(&gaps, |texts| {
            assert_eq!(texts[1].rest, "a short day");
            let score = |text: &Text| -(text.rest.len() as f64);
            Ok(texts
                .iter()
                .map(|text| Score { log_probability: score(text), is_greedy: false })
                .collect())
        })
        .unwrap();
        assert_eq!(found.share.accuracy, 0.5);
        assert!((found.chance - (1.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
    }
}
