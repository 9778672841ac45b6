//! Generated tokens to text that is certain: whole characters, and nothing that may turn out to
//! belong to a stop string.

use hadal_tokenizer::{StreamDecoder, Tokenizer};

use crate::error::Error;

/// What one more token made certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Text that may be shown.
    pub text: String,
    /// The stop string that was completed; nothing after it is shown.
    pub stop: Option<String>,
}

/// The text of one sequence as it grows. Special tokens are left out of it.
pub struct TextStream {
    decoder: StreamDecoder,
    stops: StopFinder,
}

impl TextStream {
    /// The beginning of a text that ends with any of `stops`.
    pub fn new(tokenizer: &Tokenizer, stops: Vec<String>) -> Self {
        TextStream { decoder: tokenizer.stream(true), stops: StopFinder::new(stops) }
    }

    /// Takes the next token.
    ///
    /// # Errors
    /// When no token has this id.
    pub fn push(&mut self, id: u32) -> Result<Piece, Error> {
        Ok(self.stops.push(&self.decoder.push(id)?))
    }

    /// Ends the text: what was held back comes out, and a character begun and never completed
    /// becomes U+FFFD. After a stop string nothing is left.
    pub fn finish(self) -> String {
        if self.stops.found { String::new() } else { self.stops.held + &self.decoder.finish() }
    }
}

/// Finds the stop string that is complete first, and of those the longest, so that the result does
/// not depend on how the text was cut into pieces.
struct StopFinder {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
    found: bool,
}

impl StopFinder {
    fn new(stops: Vec<String>) -> Self {
        StopFinder { stops, held: String::new(), found: false }
    }

    fn push(&mut self, text: &str) -> Piece {
        if self.found {
            return Piece::default();
        }
        self.held.push_str(text);
        let first = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()).map(|start| (start, stop)))
            .min_by_key(|(start, stop)| (start + stop.len(), *start));
        if let Some((start, stop)) = first {
            self.found = true;
            let stop = Some(stop.clone());
            self.held.truncate(start);
            return Piece { text: std::mem::take(&mut self.held), stop };
        }
        let n_certain = self.held.len() - self.n_uncertain();
        let rest = self.held.split_off(n_certain);
        Piece { text: std::mem::replace(&mut self.held, rest), stop: None }
    }

    /// Bytes at the end that are the beginning of some stop string.
    fn n_uncertain(&self) -> usize {
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0);
        let earliest = (self.held.len() + 1).saturating_sub(longest);
        let is_begun = |tail: &str| self.stops.iter().any(|stop| stop.starts_with(tail));
        (earliest..self.held.len())
            .filter(|&start| self.held.is_char_boundary(start))
            .find(|&start| is_begun(&self.held[start..]))
            .map_or(0, |start| self.held.len() - start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[String], pieces: &[String]) -> (Vec<String>, Option<String>) {
        let mut finder = StopFinder::new(stops.to_vec());
        let mut shown = Vec::new();
        for piece in pieces {
            let Piece { text, stop } = finder.push(piece);
            shown.push(text);
            if stop.is_some() {
                return (shown, stop);
            }
        }
        shown.push(finder.held);
        (shown, None)
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_stop_string_is_found_across_pieces_and_its_beginning_held_back() {
        let (shown, stop) = run(&owned(&["\nUser:"]), &owned(&["Hi", ".\n", "Us", "er: what"]));
        assert_eq!(shown, ["Hi", ".", "", ""]);
        assert_eq!(stop.as_deref(), Some("\nUser:"));
    }

    #[test]
    fn what_was_held_back_for_nothing_comes_out() {
        let (shown, stop) = run(&owned(&["\nUser:"]), &owned(&["a\n", "Use", " it"]));
        assert_eq!(shown, ["a", "", "\nUse it", ""]);
        assert_eq!(stop, None);
    }

    /// The plain definition: try every end, and at each the earliest start.
    fn naive(stops: &[String], text: &str) -> (String, Option<String>) {
        for end in 0..=text.len() {
            for start in 0..end {
                if let Some(stop) = stops.iter().find(|stop| text.get(start..end) == Some(stop)) {
                    return (text[..start].to_owned(), Some(stop.clone()));
                }
            }
        }
        (text.to_owned(), None)
    }

    proptest! {
        #[test]
        fn any_cut_gives_what_the_whole_text_gives(
            stops in proptest::collection::vec("[abé]{1,4}", 0..4),
            pieces in proptest::collection::vec("[abcé]{0,5}", 0..12),
        ) {
            let (shown, stop) = run(&stops, &pieces);
            prop_assert_eq!((shown.concat(), stop), naive(&stops, &pieces.concat()));
        }
    }
}
