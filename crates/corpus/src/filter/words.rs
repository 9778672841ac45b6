//! How words are counted: as Unicode divides them, and Chinese by a dictionary.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use unicode_segmentation::UnicodeSegmentation;

use crate::Record;

/// Finds words. The Chinese dictionary is unfolded when the first Chinese text comes, so that a run
/// over English never pays for it.
pub struct Segmenter {
    jieba: &'static LazyLock<Jieba>,
}

/// The one dictionary of the program, which is large.
pub(crate) static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

impl Default for Segmenter {
    fn default() -> Self {
        Self { jieba: &JIEBA }
    }
}

/// A word and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its letters.
    pub text: &'a str,
    /// Where it begins in the text, in bytes.
    pub begin: usize,
}

impl Segmenter {
    /// The words of a text, without what stands between them: segments of Unicode's rules (UAX 29)
    /// that hold a letter or a digit, but runs of Chinese characters as the dictionary of jieba cuts
    /// them, since Unicode takes each character for a word.
    pub fn words<'a>(&self, text: &'a str) -> Vec<Word<'a>> {
        let mut words = Vec::with_capacity(text.len() / 5);
        // The run of Chinese characters that is not cut yet, in bytes.
        let mut run: Option<(usize, usize)> = None;
        for (begin, segment) in text.unicode_word_indices() {
            let is_han = segment.chars().next().is_some_and(is_han);
            if let Some((from, to)) = run {
                if is_han && to == begin {
                    run = Some((from, begin + segment.len()));
                    continue;
                }
                self.cut(text, from, to, &mut words);
                run = None;
            }
            if is_han {
                run = Some((begin, begin + segment.len()));
            } else {
                words.push(Word { text: segment, begin });
            }
        }
        if let Some((from, to)) = run {
            self.cut(text, from, to, &mut words);
        }
        words
    }

    /// Jieba with its dictionary.
    pub(crate) fn jieba(&self) -> &Jieba {
        self.jieba
    }

    fn cut<'a>(&self, text: &'a str, from: usize, to: usize, words: &mut Vec<Word<'a>>) {
        let mut begin = from;
        for token in self.jieba().cut(&text[from..to], false) {
            let end = begin + token.word.len();
            words.push(Word { text: &text[begin..end], begin });
            begin = end;
        }
    }
}

/// Whether a character is Chinese: the unified ideographs and their extensions.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Whose numbers a rule judges a text by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, and every other language that parts its words by spaces.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// As the record says, or by its letters where it says nothing: Chinese where a third of them
    /// are, because names and terms in Latin letters are common in Chinese texts.
    pub fn of(record: &Record) -> Language {
        match record.lang.as_deref() {
            Some(lang) if lang == "zh" || lang.starts_with("zh-") => return Language::Chinese,
            Some(_) => return Language::English,
            None => {}
        }
        let (mut n_han, mut n_letters) = (0usize, 0usize);
        for c in record.text.chars().filter(|c| c.is_alphabetic()) {
            n_han += usize::from(is_han(c));
            n_letters += 1;
        }
        if n_han * 3 >= n_letters && n_han > 0 { Language::Chinese } else { Language::English }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[&str]) {
        let found = Segmenter::default().words(text);
        assert_eq!(found.iter().map(|word| word.text).collect::<Vec<_>>(), words);
        for word in found {
            assert_eq!(&text[word.begin..word.begin + word.text.len()], word.text);
        }
    }

    #[test]
    fn words_are_unicode_s_and_chinese_ones_the_dictionary_s() {
        check("It's 3.5 km, no?", &["It's", "3.5", "km", "no"]);
        check(
            "我们在北京大学读书。GPT很好",
            &["我们", "在", "北京大学", "读书", "GPT", "很", "好"],
        );
        check(" \n", &[]);
    }

    #[test]
    fn the_language_is_the_record_s_or_that_of_its_letters() {
        let of = |text: &str, lang: Option<&str>| {
            Language::of(&Record {
                text: text.into(),
                lang: lang.map(Into::into),
                ..Record::default()
            })
        };
        assert_eq!(of("a plain text", None), Language::English);
        assert_eq!(of("用 Rust 写的程序", None), Language::Chinese);
        assert_eq!(of("a plain text", Some("zh-CN")), Language::Chinese);
        assert_eq!(of("123", None), Language::English);
    }
}
