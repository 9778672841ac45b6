//! What a caller asks for, checked once.

use crate::error::Error;

/// How the next token is chosen from the model's scores, in the order of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Scores of tokens already in the text are divided by this where positive and multiplied
    /// where negative; 1 changes nothing.
    pub repetition_penalty: f32,
    /// Scores are divided by this; 0 takes the best token every time.
    pub temperature: f32,
    /// Only this many best tokens stay in the choice; 0 keeps all.
    pub top_k: usize,
    /// Only the fewest best tokens that together have this probability stay; 1 keeps all.
    pub top_p: f32,
    /// Only tokens with at least this fraction of the best token's probability stay; 0 keeps all.
    pub min_p: f32,
    /// Where the draws begin: the same seed on the same scores gives the same tokens.
    pub seed: u64,
}

impl Default for Sampling {
    /// The model's own probabilities, unchanged.
    fn default() -> Self {
        Sampling {
            repetition_penalty: 1.0,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
        }
    }
}

impl Sampling {
    /// The best token every time.
    pub fn greedy() -> Self {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }

    fn check(&self) -> Result<(), Error> {
        let within_one = "a number from 0 to 1";
        for (field, found, is_right, allowed) in [
            (
                "temperature",
                self.temperature,
                self.temperature.is_finite() && self.temperature >= 0.0,
                "0, which takes the best token every time, or a greater number",
            ),
            ("top_p", self.top_p, (0.0..=1.0).contains(&self.top_p), within_one),
            ("min_p", self.min_p, (0.0..=1.0).contains(&self.min_p), within_one),
            (
                "repetition_penalty",
                self.repetition_penalty,
                self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0,
                "a number greater than 0; 1 changes nothing",
            ),
        ] {
            if !is_right {
                return Err(Error::Value { field, found: found.to_string(), allowed });
            }
        }
        Ok(())
    }
}

/// A text to continue, and how. It can only be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub(crate) prompt: Vec<u32>,
    pub(crate) max_new_tokens: usize,
    pub(crate) sampling: Sampling,
    pub(crate) stops: Vec<String>,
}

/// Stop strings are compared with every text that leaves; more than this is a mistake.
const MOST_STOPS: usize = 64;

impl Request {
    /// A request to continue the tokens of `prompt` by at most `max_new_tokens`, or until one of
    /// the strings `stops` appears.
    ///
    /// # Errors
    /// Names the field that cannot be, what was found, and what is allowed.
    pub fn new(
        prompt: Vec<u32>,
        max_new_tokens: usize,
        sampling: Sampling,
        stops: Vec<String>,
    ) -> Result<Self, Error> {
        let refuse = |field, found: &str, allowed| {
            Err(Error::Value { field, found: found.to_owned(), allowed })
        };
        if prompt.is_empty() {
            return refuse("prompt", "empty", "at least one token");
        }
        if max_new_tokens == 0 {
            return refuse("max_new_tokens", "0", "at least 1");
        }
        if stops.len() > MOST_STOPS {
            let found = format!("a list of {}", stops.len());
            return refuse("stop", &found, "a list of at most 64 strings");
        }
        if stops.iter().any(String::is_empty) {
            return refuse("stop", "an empty string", "a string of at least one character");
        }
        sampling.check()?;
        Ok(Request { prompt, max_new_tokens, sampling, stops })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_value_is_named_with_what_was_found_and_what_is_allowed() {
        let good = Sampling::default;
        let long = vec!["x".to_owned(); 65];
        let nan = Sampling { temperature: f32::NAN, ..good() };
        for (prompt, max, sampling, stops, expected) in [
            (vec![], 1, good(), vec![], "`prompt` is empty; it should be at least one token"),
            (vec![1], 0, good(), vec![], "`max_new_tokens` is 0; it should be at least 1"),
            (vec![1], 1, nan, vec![], "`temperature` is NaN; it should be 0, which"),
            (
                vec![1],
                1,
                Sampling { temperature: -0.5, ..good() },
                vec![],
                "`temperature` is -0.5; it should be 0, which",
            ),
            (
                vec![1],
                1,
                Sampling { top_p: 1.5, ..good() },
                vec![],
                "`top_p` is 1.5; it should be a number from 0 to 1",
            ),
            (
                vec![1],
                1,
                Sampling { min_p: -1.0, ..good() },
                vec![],
                "`min_p` is -1; it should be a number from 0 to 1",
            ),
            (
                vec![1],
                1,
                Sampling { repetition_penalty: 0.0, ..good() },
                vec![],
                "`repetition_penalty` is 0; it should be a number greater than 0",
            ),
            (vec![1], 1, good(), vec![String::new()], "`stop` is an empty string; it should be"),
            (vec![1], 1, good(), long, "`stop` is a list of 65; it should be a list of at most 64"),
        ] {
            let message = Request::new(prompt, max, sampling, stops).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        assert!(Request::new(vec![1], 1, Sampling::greedy(), vec!["x".to_owned()]).is_ok());
    }
}
