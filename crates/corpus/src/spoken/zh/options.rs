//! What of Chinese is a matter of choice.

/// Choices that hold for Chinese alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chinese {
    /// To written: whether a number that counts nothing is written in digits, 五十五 as 55.
    pub standalone_numbers: bool,
    /// To written: whether a number of one digit is, 九天 as 9天; if not, 一千克 is 1000g.
    pub single_digits: bool,
    /// Whether letters, digits and marks of full width become half-width.
    pub half_width: bool,
    /// Whether 呃 and 啊 are left out.
    pub without_interjections: bool,
    /// Whether 儿 is left out where it is no syllable: 这儿 is read 这.
    pub without_erhua: bool,
    /// Whether marks of punctuation are left out.
    pub without_punctuation: bool,
    /// To spoken: whether letters that Chinese does not know are marked: `<oov>の</oov>`.
    pub tag_unknown: bool,
}

impl Default for Chinese {
    /// Numbers are written in digits; nothing is left out or marked.
    fn default() -> Self {
        Chinese {
            standalone_numbers: true,
            single_digits: true,
            half_width: false,
            without_interjections: false,
            without_erhua: false,
            without_punctuation: false,
            tag_unknown: false,
        }
    }
}
