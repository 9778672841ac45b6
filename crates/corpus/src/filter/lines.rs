//! What rules ask of lines.

/// Marks that end a sentence, with the closing quotation marks and brackets that may follow them.
pub(super) fn ends_sentence(line: &str) -> bool {
    let closing = ['"', '\'', '”', '’', '」', '』', '）', ')'];
    let line = line.trim_end();
    let bare = line.trim_end_matches(closing);
    let is_quoted = bare.len() < line.len() && line.ends_with(['"', '\'', '”', '’', '」', '』']);
    is_quoted || bare.ends_with(['.', '!', '?', '。', '！', '？', '；', '…'])
}

/// Whether a line breaks off.
pub(super) fn ends_in_ellipsis(line: &str) -> bool {
    let line = line.trim_end();
    line.ends_with("...") || line.ends_with('…')
}

/// How many of the parts were there before, and their characters.
pub(super) fn repeated<'a>(parts: impl Iterator<Item = &'a str>) -> (usize, usize) {
    let mut seen = std::collections::HashSet::new();
    let (mut n_parts, mut n_chars) = (0, 0);
    for part in parts {
        if !seen.insert(part) {
            n_parts += 1;
            n_chars += part.chars().count();
        }
    }
    (n_parts, n_chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_with_their_marks_or_a_quotation() {
        for line in ["So it was.", "Was it?\"", "他说：“好。”", "结束了！", "he said 'no'"]
        {
            assert!(ends_sentence(line), "{line}");
        }
        for line in ["Read more", "首页 > 新闻", "", "(see below)"] {
            assert!(!ends_sentence(line), "{line}");
        }
    }

    #[test]
    fn only_later_occurrences_are_repetitions() {
        assert_eq!(repeated(["ab", "c", "ab", "ab"].into_iter()), (2, 4));
    }
}
