//! What is no quantity: codes and numbers read digit by digit, abbreviations, telephone numbers.

use super::super::data::{ABBREVIATIONS, HOTLINES, PROVINCES, READINGS};
use super::super::scan::{Found, Scan};
use super::measure;
use super::numeral::{digits, telephone as said_by_telephone};

/// O2O and the like.
pub(super) fn reading(scan: &Scan, at: usize) -> Option<Found> {
    let (end, entry) = READINGS.words.find(scan, at)?;
    let free = !scan.latin_before(at) && !scan.latin(end);
    free.then(|| Found { end, text: READINGS.list[entry].to_owned() })
}

/// Letters of an abbreviation at most.
const LONGEST_ABBREVIATION: usize = 6;

/// gpu and c e o, which are written in capitals.
pub(super) fn abbreviation(scan: &Scan, at: usize) -> Option<Found> {
    let begins = scan.at(at).is_ascii_alphabetic() && !scan.latin_before(at);
    if !scan.nemo() || !begins {
        return None;
    }
    // Within a sentence of English `it` is a word.
    let between_han = |end: usize| {
        let left = scan.before(at) != ' ' || !scan.latin(at.wrapping_sub(2));
        let right = scan.at(end) != ' ' || !scan.latin(end + 1);
        left && right && !scan.latin(end)
    };
    if let Some((end, entry)) = ABBREVIATIONS.words.find(scan, at)
        && between_han(end)
    {
        return Some(Found { end, text: ABBREVIATIONS.list[entry].to_owned() });
    }
    let mut letters = String::from(scan.at(at).to_ascii_uppercase());
    let mut end = at + 1;
    let one_letter = |at| scan.at(at).is_ascii_alphabetic() && !scan.latin(at + 1);
    while letters.len() < LONGEST_ABBREVIATION && scan.at(end) == ' ' && one_letter(end + 1) {
        letters.push(scan.at(end + 1).to_ascii_uppercase());
        end += 2;
    }
    let known = letters.len() > 1 && ABBREVIATIONS.list.contains(&letters.as_str());
    (known && between_han(end)).then_some(Found { end, text: letters })
}

/// 京A07ZX3F: a province, a letter, and five or six letters and digits.
pub(super) fn plate(scan: &Scan, at: usize) -> Option<Found> {
    let province = PROVINCES.contains(scan.at(at)) && scan.at(at + 1).is_ascii_alphabetic();
    if !province {
        return None;
    }
    let start = at + 2;
    let mut end = start;
    while scan.latin(end) {
        end += 1;
    }
    let code: String = scan.text(start, end);
    let fits = (5..=6).contains(&code.len()) && code.contains(|c: char| c.is_ascii_digit());
    let said = code.chars().map(|c| {
        if c.is_ascii_digit() { digits(c.encode_utf8(&mut [0; 4])) } else { c.to_string() }
    });
    fits.then(|| Found { end, text: scan.text(at, start) + &said.collect::<String>() })
}

/// G1234次: a letter and at most four digits before what trains are called.
pub(super) fn train(scan: &Scan, at: usize) -> Option<Found> {
    if !"gdczktlys".contains(scan.at(at)) || scan.latin_before(at) {
        return None;
    }
    let end = scan.digits(at + 1);
    let fits = (1..=4).contains(&(end - at - 1));
    let train = scan.one_of(end, &["次", "列车", "高铁", "动车"]).is_some();
    let said = || scan.text(at, at + 1) + &said_by_telephone(&scan.folded(at + 1, end));
    (fits && train).then(|| Found { end, text: said() })
}

/// 127.0.0.1, 1.2.3: numbers with points between them, read digit by digit.
pub(super) fn address(scan: &Scan, at: usize) -> Option<Found> {
    let mut end = scan.digits(at);
    let mut parts = vec![scan.folded(at, end)];
    while parts.len() < 5 && scan.at(end) == '.' && scan.at(end + 1).is_ascii_digit() {
        let next = scan.digits(end + 1);
        parts.push(scan.folded(end + 1, next));
        end = next;
    }
    let fits = (3..=4).contains(&parts.len()) && parts.iter().all(|part| part.len() <= 3);
    let said = || parts.iter().map(|part| digits(part)).collect::<Vec<_>>().join("点");
    (fits && !parts[0].is_empty()).then(|| Found { end, text: said() })
}

/// 13501234567, 010-12345678, 400-123-4567, +86 135 0123 4567
pub(super) fn telephone(scan: &Scan, at: usize) -> Option<Found> {
    let country = scan.one_of(at, &["+86", "+86-", "+86 "]);
    let start = country.map_or(at, |(end, _)| end);
    let mut end = scan.digits(start);
    let mut groups = vec![scan.folded(start, end)];
    let between = |end| matches!(scan.at(end), '-' | ' ') && scan.at(end + 1).is_ascii_digit();
    while groups.len() < 4 && between(end) {
        let next = scan.digits(end + 1);
        groups.push(scan.folded(end + 1, next));
        end = next;
    }
    if groups[0].is_empty() || scan.latin(end) || scan.before(at) == '第' {
        return None;
    }
    let number = groups.concat();
    let lengths: Vec<usize> = groups.iter().map(String::len).collect();
    let mobile = number.len() == 11
        && matches!(number.as_bytes()[..2], [b'1', b'3'..=b'9'])
        && matches!(lengths[..], [11] | [3, 4, 4]);
    let fixed = number.starts_with('0') && matches!(lengths[..], [3 | 4, 7 | 8] | [10..=12]);
    let service = matches!(&number[..3.min(number.len())], "400" | "800")
        && number.len() == 10
        && lengths.len() > 1;
    let counted = measure::counts(scan, end);
    if !(mobile || fixed || service) || counted {
        return None;
    }
    let country = if country.is_some() { "八六" } else { "" };
    Some(Found { end, text: format!("{country}{}", said_by_telephone(&number)) })
}

/// Words before digits that are read one by one.
const ASKING: [&str; 29] = [
    "尾号",
    "号码",
    "手机号",
    "手机",
    "电话",
    "电话号码",
    "拨打",
    "致电",
    "打电话给",
    "座机",
    "热线",
    "密码",
    "验证码",
    "身份证",
    "身份证号",
    "学号",
    "工号",
    "编号",
    "卡号",
    "账号",
    "帐号",
    "邮编",
    "房间号",
    "代码",
    "证号",
    "客服",
    "呼叫",
    "拨",
    "分机",
];

/// 尾号是3385, 给12315打个电话
pub(super) fn digits_asked_for(scan: &Scan, at: usize) -> Option<Found> {
    let end = scan.digits(at);
    let fits = end - at >= 3 && !scan.latin(end) && scan.at(end) != '.';
    if !fits || measure::counts(scan, end) {
        return None;
    }
    let mut start = at;
    while "是为: ".contains(scan.before(start)) {
        start -= 1;
    }
    let asked = ASKING.iter().any(|word| {
        let length = word.chars().count();
        start >= length && scan.word(start - length, word).is_some()
    });
    let called = scan.before(at) == '给' && matches!(scan.at(end), '打' | '拨' | '致');
    (asked || called).then(|| Found { end, text: said_by_telephone(&scan.folded(at, end)) })
}

/// 12306, where nothing is counted.
pub(super) fn hotline(scan: &Scan, at: usize) -> Option<Found> {
    let end = scan.digits(at);
    let (known, _) = HOTLINES.find(scan, at)?;
    let counted = measure::counts(scan, end) || "多余几个./:%-~".contains(scan.at(end));
    let free = known == end && !scan.latin(end) && !scan.latin_before(at);
    let by_digit = free && !counted && !scan.nemo() && scan.before(at) != '第';
    by_digit.then(|| Found { end, text: said_by_telephone(&scan.folded(at, end)) })
}
