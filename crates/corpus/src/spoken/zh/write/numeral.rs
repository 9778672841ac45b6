//! Chinese numerals read: 一亿零两千三百, 十七八万, 三点一四.

use super::super::scan::Scan;

/// A whole number as it was said: complete myriads, and what is below them.
#[derive(Debug, Clone, Default)]
pub(super) struct Numeral {
    /// One past its last character.
    pub(super) end: usize,
    /// Its myriads, the greatest first: how many, of which size, and how the size is written.
    pub(super) myriads: Vec<Myriad>,
    /// What is left below the least of them.
    pub(super) rest: u64,
    /// The least unit said after which a digit may follow: 100 of 三百, 10,000 of 一万.
    pub(super) last_unit: u64,
}

/// So many 万, 亿 or 兆.
#[derive(Debug, Clone)]
pub(super) struct Myriad {
    pub(super) count: u64,
    pub(super) size: u64,
    pub(super) written: String,
}

impl Numeral {
    /// Its value.
    pub(super) fn value(&self) -> u64 {
        let myriads = self.myriads.iter();
        // The counts are below ten thousand and the sizes at most 10^12, each given once.
        myriads.fold(self.rest, |sum, myriad| sum + myriad.count * myriad.size)
    }
}

/// The value of a character of a numeral; 两 is 2.
pub(super) fn digit(c: char) -> Option<u64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// The value of a character by which radio and telephone speak a digit.
pub(super) fn radio_digit(c: char) -> Option<u64> {
    Some(match c {
        '幺' => 1,
        '洞' => 0,
        '拐' => 7,
        _ => return digit(c),
    })
}

/// Tens, hundreds and thousands.
pub(super) fn unit(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        _ => return None,
    })
}

/// Myriads.
pub(super) fn myriad(c: char) -> Option<u64> {
    Some(match c {
        '万' => 10_000,
        '亿' => 100_000_000,
        '兆' => 1_000_000_000_000,
        _ => return None,
    })
}

/// Whether what ends before `at` goes on there as a numeral.
pub(super) fn multiplied(scan: &Scan, at: usize) -> bool {
    unit(scan.at(at)).or(myriad(scan.at(at))).is_some()
}

/// Every numeral that begins at `at`, the shortest first: of 三百五 there are 3, 300 and 350.
pub(super) fn numerals(scan: &Scan, at: usize) -> Vec<Numeral> {
    let mut reader = Reader::new(scan, at);
    let mut found = Vec::new();
    while reader.step(&mut found) {}
    found
}

struct Reader<'a> {
    scan: &'a Scan<'a>,
    start: usize,
    at: usize,
    myriads: Vec<Myriad>,
    /// What was said since the last myriad, without the digit.
    section: u64,
    /// The last unit since then; 10,000 where none was said.
    last: u64,
    digit: Option<u64>,
    after_zero: bool,
}

impl<'a> Reader<'a> {
    fn new(scan: &'a Scan<'a>, at: usize) -> Self {
        Reader {
            scan,
            start: at,
            at,
            myriads: Vec::new(),
            section: 0,
            last: 10_000,
            digit: None,
            after_zero: false,
        }
    }

    /// Takes one more character; false where the numeral cannot go on.
    fn step(&mut self, found: &mut Vec<Numeral>) -> bool {
        let c = self.scan.at(self.at);
        if let Some(value) = digit(c) {
            return self.take_digit(c, value, found);
        }
        if let Some(size) = unit(c) {
            return self.take_unit(size, found);
        }
        match myriad(c) {
            Some(size) => self.take_myriad(size, found),
            None => false,
        }
    }

    fn take_digit(&mut self, c: char, value: u64, found: &mut Vec<Numeral>) -> bool {
        let first = self.at == self.start;
        if self.digit.is_some() || (self.last == 10 && value == 0) {
            return false;
        }
        self.at += 1;
        if value == 0 {
            self.after_zero = true;
            if first {
                found.push(Numeral { end: self.at, ..Numeral::default() });
            }
            return !first;
        }
        // 两 stands before a unit, or for itself: 二十两 is twenty 两.
        if c == '两' && !first && !multiplied(self.scan, self.at) {
            return false;
        }
        self.digit = Some(value);
        found.push(self.numeral());
        true
    }

    fn take_unit(&mut self, size: u64, found: &mut Vec<Numeral>) -> bool {
        if size >= self.last || (self.digit.is_none() && size != 10) {
            return false;
        }
        self.section += self.digit.take().unwrap_or(1) * size;
        self.last = size;
        self.after_zero = false;
        self.at += 1;
        found.push(self.numeral());
        true
    }

    fn take_myriad(&mut self, size: u64, found: &mut Vec<Numeral>) -> bool {
        let count = self.section + self.digit.unwrap_or(0);
        let c = self.scan.text(self.at, self.at + 1);
        if count == 0 {
            // 一万亿: the one myriad multiplies the other.
            let [one] = &mut self.myriads[..] else { return false };
            if one.size != 10_000 || size != 100_000_000 || self.after_zero {
                return false;
            }
            one.size *= size;
            one.written += &c;
        } else {
            if self.myriads.last().is_some_and(|last| last.size <= size) {
                return false;
            }
            self.myriads.push(Myriad { count, size, written: c });
        }
        (self.section, self.last, self.digit, self.after_zero) = (0, 10_000, None, false);
        self.at += 1;
        found.push(self.numeral());
        true
    }

    /// What was read so far.
    fn numeral(&self) -> Numeral {
        let below = match self.last {
            10_000 => self.myriads.last().map_or(1, |last| last.size),
            last => last,
        };
        // A digit right after a unit counts the next smaller one: 四百五 is 450, 一万五 15,000.
        let implied = !self.after_zero && below >= 100;
        let digit = self.digit.unwrap_or(0) * if implied { below / 10 } else { 1 };
        let mut numeral = Numeral {
            end: self.at,
            myriads: self.myriads.clone(),
            rest: self.section + digit,
            last_unit: below,
        };
        if numeral.rest >= 10_000 && numeral.rest.is_multiple_of(10_000) {
            // 一亿五 has five thousand 万.
            let count = numeral.rest / 10_000;
            numeral.myriads.push(Myriad { count, size: 10_000, written: "万".to_owned() });
            numeral.rest = 0;
        }
        numeral
    }
}

/// Digits of a run at most, so that a text of nothing else takes no time to speak of.
const LONGEST_RUN: usize = 256;

/// A run of at least `least` digits said one by one, 幺八五洞, as 0 to 9: its end and the digits.
pub(super) fn digit_string(scan: &Scan, at: usize, least: usize) -> Option<(usize, String)> {
    let (mut end, mut digits, mut radio, mut pair) = (at, String::new(), false, false);
    while let Some(value) = radio_digit(scan.at(end)).filter(|_| digits.len() < LONGEST_RUN) {
        radio |= matches!(scan.at(end), '幺' | '洞' | '拐');
        pair |= scan.at(end) == '两';
        digits.push(char::from(b'0' + value as u8));
        end += 1;
    }
    let whole = digits.len() >= least && !multiplied(scan, end) && (radio || !pair);
    whole.then_some((end, digits))
}
