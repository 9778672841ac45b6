//! Last words: does a passage lead the model to its last word (LAMBADA, Paperno et al. 2016)?

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::tasks::{Score, Share, Text};

/// A passage, cut before the space that its last word follows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Passage")]
pub struct LastWord(Text);

#[derive(Deserialize)]
struct Passage {
    text: String,
}

impl TryFrom<Passage> for LastWord {
    type Error = String;

    fn try_from(passage: Passage) -> Result<Self, String> {
        let text = passage.text.trim();
        match text.rfind(char::is_whitespace) {
            None => Err(format!("its text {text:?} has no word before the last")),
            Some(cut) => {
                let (context, rest) = text.split_at(cut);
                Ok(LastWord(Text { context: context.to_owned(), rest: rest.to_owned() }))
            }
        }
    }
}

/// How a model fares on last words.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LastWords {
    /// The share of last words all of whose tokens the model finds the likeliest.
    #[serde(flatten)]
    pub share: Share,
    /// Of a last word, not of a token: `e` to the mean of `-ln p`.
    pub perplexity: f64,
    /// Of the perplexity, from the spread of `-ln p`; none for a single passage.
    pub perplexity_standard_error: Option<f64>,
}

/// Predicts the last word of each passage, as `score` has it.
///
/// # Errors
/// Those of `score`.
pub fn last_words(
    passages: &[LastWord],
    score: impl FnOnce(&[Text]) -> Result<Vec<Score>, Error>,
) -> Result<LastWords, Error> {
    let texts: Vec<Text> = passages.iter().map(|LastWord(text)| text.clone()).collect();
    let scores = score(&texts)?;
    let n = scores.len().max(1) as f64;
    let mean = scores.iter().map(|score| -score.log_probability).sum::<f64>() / n;
    let squares: f64 = scores.iter().map(|score| (-score.log_probability - mean).powi(2)).sum();
    let perplexity = mean.exp();
    Ok(LastWords {
        share: Share::of(scores.iter().map(|score| score.is_greedy)),
        perplexity,
        // The error of a function of a mean is its slope times the mean's error.
        perplexity_standard_error: (scores.len() > 1)
            .then(|| perplexity * (squares / (n - 1.0) / n).sqrt()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_keeps_the_space_before_it() {
        let cut = |text: &str| LastWord::try_from(Passage { text: text.to_owned() });
        let LastWord(text) = cut("the deep  sea\n").unwrap();
        assert_eq!((&*text.context, &*text.rest), ("the deep ", " sea"));
        let LastWord(text) = cut("深\u{3000}海").unwrap();
        assert_eq!((&*text.context, &*text.rest), ("深", "\u{3000}海"));
        assert!(cut("sea").is_err() && cut("").is_err());
    }

    #[test]
    fn perplexity_is_of_words() {
        let passage = LastWord(Text { context: "a".to_owned(), rest: " b".to_owned() });
        let found = last_words(&[passage.clone(), passage], |_| {
            let score = |log_probability, is_greedy| Score { log_probability, is_greedy };
            Ok(vec![score(-1.0, true), score(-3.0, false)])
        })
        .unwrap();
        assert_eq!(found.share.accuracy, 0.5);
        assert!((found.perplexity - 2f64.exp()).abs() < 1e-12);
        // 1 and 3 have the sample variance 2, so their mean has the error 1.
        assert!((found.perplexity_standard_error.unwrap() - 2f64.exp()).abs() < 1e-12);
    }
}
