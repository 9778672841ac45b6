//! Repetition within a text.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

/// Characters without which a line may stand as often as it likes: refrains, headings, list marks.
const SHORTEST_LINE: usize = 30;

/// `text` without lines of 30 characters or more that stood in it before, and the share of its
/// characters that were cut, 0 to 1. Space around a line does not count.
#[must_use]
pub fn without_repeats(text: &str) -> (String, f64) {
    let mut seen = HashSet::new();
    let (mut kept, mut n_chars, mut n_cut) = (String::with_capacity(text.len()), 0, 0);
    for line in text.split_inclusive('\n') {
        let n_in_line = line.chars().count();
        n_chars += n_in_line;
        let content = line.trim();
        let is_long = content.chars().nth(SHORTEST_LINE - 1).is_some();
        if is_long && !seen.insert(xxh3_128(content.as_bytes())) {
            n_cut += n_in_line;
        } else {
            kept.push_str(line);
        }
    }
    (kept, n_cut as f64 / n_chars.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kept: &str, share: f64) {
        let (text, found) = without_repeats(text);
        assert_eq!(text, kept);
        assert!((found - share).abs() < 1e-9, "{found}");
    }

    #[test]
    fn a_long_line_stands_once_and_a_short_one_as_often_as_it_likes() {
        let line = "Subscribe to our weekly letter.";
        check("", "", 0.0);
        check("la la la\nla la la\n", "la la la\nla la la\n", 0.0);
        check(&format!("{line}\none\n  {line}"), &format!("{line}\none\n"), 33.0 / 69.0);
        check(&line.repeat(2), &line.repeat(2), 0.0);
    }
}
