//! Which Chinese expressions say what their value says and nothing else.
//!
//! A single digit is more often part of a word than a number, 同一; so are 十分, 千万 and 三元, and
//! 七八 is about seven or eight. What is left is bounded by words: jieba cuts the line, and an
//! expression that begins or ends within a word stays as it was.

use super::calendar::{Sort, When};
use super::form::{InText, is_thousands};
use super::number::Form;
use super::value::Value;

const DIGITS: &str = "零〇一二两三四五六七八九";
const UNITS: &str = "十百千万亿";
/// Marks and words that hold two numbers together.
const JOINS: &str = "、至到和或与及乃有又-—–~～/·,";
/// Words that make a number vague.
const VAGUE: &str = "多余几来数半";

/// Parts of the day, which say what half of the day an hour is of.
const PARTS: [&str; 10] =
    ["上午", "下午", "早上", "晚上", "中午", "凌晨", "傍晚", "清晨", "晚间", "早晨"];

/// Words that count from the moment of writing, and from no other.
const DEICTIC: [&str; 20] = [
    "今天",
    "明天",
    "昨天",
    "后天",
    "前天",
    "今年",
    "明年",
    "去年",
    "前年",
    "上周",
    "下周",
    "本周",
    "上个月",
    "下个月",
    "本月",
    "今晚",
    "昨晚",
    "明早",
    "明晚",
    "今早",
];

/// Words of the Chinese calendar, whose days the value names without conversion.
const LUNAR: [&str; 8] = ["农历", "阴历", "旧历", "正月", "腊月", "冬月", "初", "闰"];

fn is_numeral(c: char) -> bool {
    DIGITS.contains(c) || UNITS.contains(c)
}

fn has_digits(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Whether it is certain that the expression means its value; `told` as for English.
pub(super) fn certain(value: &Value, text: &InText, told: bool) -> bool {
    !part_of_a_list(text) && alone_certain(value, text, told) && whole_words(text)
}

fn alone_certain(value: &Value, text: &InText, told: bool) -> bool {
    let folded = text.folded.as_str();
    match value {
        Value::Number(number) => match number.form {
            Form::Percent => folded.starts_with("百分之"),
            Form::Ordinal => folded.chars().filter(|c| is_numeral(*c)).count() > 1,
            _ => is_amount(folded) && (!has_digits(folded) || folded.contains([',', '万', '亿'])),
        },
        Value::Quantity(_) => {
            let at =
                folded.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c) || is_numeral(c)));
            let (amount, unit) = folded.split_at(at.unwrap_or(folded.len()));
            is_amount(amount) && !unit.contains(['块', '圆']) && !unit.contains(is_numeral)
        }
        Value::When(when) => match when.sort {
            Sort::Duration => {
                let is_part = |c: char| c.is_ascii_digit() || c == '.' || is_numeral(c);
                let at = folded.find(|c: char| !is_part(c)).unwrap_or(folded.len());
                let (amount, unit) = folded.split_at(at);
                // 10年 may be the year 2010, 三十一年 the thirty-first of a reign; after 分 and 度
                // stand seconds of an arc.
                let by_han = !has_digits(amount);
                let of_year = matches!(amount.len(), 2 | 4) || by_han;
                let may_be_year = unit.starts_with('年') && of_year;
                let of_arc = text.before.ends_with(['分', '度']);
                is_amount(amount)
                    && !unit.contains(|c: char| VAGUE.contains(c))
                    && !may_be_year
                    && !of_arc
            }
            Sort::Time => PARTS.iter().any(|part| folded.starts_with(part)),
            _ if LUNAR.iter().any(|word| folded.contains(word)) => false,
            _ if told && DEICTIC.iter().any(|word| folded.starts_with(word)) => true,
            _ => in_dates(when, text),
        },
        Value::Place(_) => true,
        _ => false,
    }
}

/// Whether a number stands right before or after, or with a mark between that joins the two.
fn part_of_a_list(text: &InText) -> bool {
    let counts = |c: char| {
        c.is_ascii_digit() || is_numeral(c) || VAGUE.contains(c) || "日月年号第每".contains(c)
    };
    let mut before = text.before.chars().rev().filter(|c| !c.is_whitespace());
    let mut after = text.after.chars().filter(|c| !c.is_whitespace());
    let (near, far) = (before.next().unwrap_or('。'), before.next().unwrap_or('。'));
    let (next, beyond) = (after.next().unwrap_or('。'), after.next().unwrap_or('。'));
    let numeral = |c: char| c.is_ascii_digit() || is_numeral(c) || VAGUE.contains(c) || c == '第';
    numeral(near)
        || near == '每'
        || (JOINS.contains(near) && counts(far))
        || next.is_ascii_digit()
        || is_numeral(next)
        || (JOINS.contains(next) && counts(beyond))
}

/// Digits, with 万 or 亿 after them or not; or three and more characters of a numeral with its
/// units: 二十四, 四万五千, not 七八, 二百五 or 三百.
fn is_amount(text: &str) -> bool {
    if has_digits(text) {
        let plain = text.trim_end_matches(|c: char| UNITS.contains(c));
        let digits = plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        return (digits && plain.matches('.').count() < 2) || is_thousands(plain);
    }
    let chars: Vec<char> = text.chars().collect();
    let n_units = chars.iter().filter(|c| UNITS.contains(**c)).count();
    let [_, .., second, last] = chars[..] else { return false };
    let whole = UNITS.contains(last) || matches!(second, '十' | '零' | '〇');
    let two_digits = chars.windows(2).any(|pair| {
        DIGITS.contains(pair[0]) && DIGITS.contains(pair[1]) && !"零〇".contains(pair[0])
    });
    // 亿万 is as often a great many as it is a number.
    let vast = text.contains("亿万");
    let all = chars.iter().all(|c| is_numeral(*c));
    all && n_units > 0 && whole && !two_digits && !vast
}

/// A day, a month or a year whose year is written, or a day of a month in digits; of the Gregorian
/// calendar.
fn in_dates(when: &When, text: &InText) -> bool {
    let folded = text.folded.as_str();
    let Some(year) = when.timex.get(..4) else { return false };
    if !folded.contains('月') {
        let year_digits = folded.strip_suffix('年').is_some_and(|year| {
            year.chars().count() == 4 && year.chars().all(|c| DIGITS.contains(c))
        });
        let by_mark = folded.starts_with(year) && !folded.contains(' ') && folded.len() < 11;
        return (year_digits && when.timex.len() == 4) || (by_mark && when.timex.len() >= 10);
    }
    let digits: String = folded
        .chars()
        .map_while(|c| match c {
            '0'..='9' => Some(c),
            '〇' => Some('0'),
            _ => DIGITS
                .chars()
                .filter(|digit| !"〇两".contains(*digit))
                .zip('0'..='9')
                .find_map(|(digit, plain)| (digit == c).then_some(plain)),
        })
        .collect();
    let dated = folded.contains(['日', '号']) && has_digits(folded);
    digits == year || (when.timex.starts_with("XXXX-") && when.timex.len() >= 10 && dated)
}

/// Whether no word reaches across an end of the expression.
fn whole_words(text: &InText) -> bool {
    let start = text.before.len();
    text.cut.is_word(start, start + text.original.len())
}
