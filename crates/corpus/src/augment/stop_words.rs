//! Words that carry no sense of their own, and have no synonyms worth having.

/// Whether a word is one of EDA's stop words, in any case, or of the commonest Chinese ones.
pub(super) fn is_stop_word(word: &str) -> bool {
    if word.len() > LONGEST {
        return false;
    }
    let mut lower = [0u8; LONGEST];
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let list: &[&str] = if word.is_ascii() { &ENGLISH } else { &CHINESE };
    list.binary_search_by(|stop| stop.as_bytes().cmp(lower)).is_ok()
}

/// Bytes of the longest stop word.
const LONGEST: usize = 10;

/// EDA's list, in the order of bytes.
const ENGLISH: [&str; 127] = [
    "a",
    "about",
    "above",
    "after",
    "again",
    "against",
    "all",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "below",
    "between",
    "both",
    "but",
    "by",
    "can",
    "did",
    "do",
    "does",
    "doing",
    "don",
    "down",
    "during",
    "each",
    "few",
    "for",
    "from",
    "further",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "here",
    "hers",
    "herself",
    "him",
    "himself",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "just",
    "me",
    "more",
    "most",
    "my",
    "myself",
    "no",
    "nor",
    "not",
    "now",
    "of",
    "off",
    "on",
    "once",
    "only",
    "or",
    "other",
    "our",
    "ours",
    "ourselves",
    "out",
    "over",
    "own",
    "s",
    "same",
    "she",
    "should",
    "so",
    "some",
    "such",
    "t",
    "than",
    "that",
    "the",
    "their",
    "theirs",
    "them",
    "themselves",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "too",
    "under",
    "until",
    "up",
    "very",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whom",
    "why",
    "will",
    "with",
    "you",
    "your",
    "yours",
    "yourself",
    "yourselves",
];

/// Pronouns, particles, prepositions and conjunctions, in the order of bytes.
const CHINESE: [&str; 95] = [
    "一", "一个", "上", "下", "不", "与", "且", "个", "中", "为", "为了", "之", "也", "了", "于",
    "什么", "从", "他", "他们", "以", "但", "但是", "你", "你们", "关于", "其", "再", "则", "即",
    "又", "及", "只", "向", "吗", "吧", "呀", "呢", "和", "哦", "哪", "啊", "嘛", "因为", "在",
    "地", "她", "她们", "如果", "它", "它们", "对", "就", "并", "并且", "很", "得", "怎么", "我",
    "我们", "或", "所以", "才", "把", "是", "有", "此", "没", "没有", "由", "的", "着", "等", "给",
    "而", "而且", "自己", "若", "虽然", "被", "让", "谁", "过", "还", "这", "这个", "这些", "这样",
    "这里", "那", "那个", "那些", "那样", "那里", "都", "里",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_words_are_found() {
        assert!(ENGLISH.is_sorted() && CHINESE.is_sorted());
        let longest = ENGLISH.iter().chain(&CHINESE).map(|word| word.len()).max();
        assert_eq!(longest, Some(LONGEST));
        assert!(is_stop_word("The") && is_stop_word("themselves") && is_stop_word("的"));
        assert!(!is_stop_word("sea") && !is_stop_word("海") && !is_stop_word("THEMSELVESX"));
    }
}
