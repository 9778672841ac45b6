//! What is no quantity: codes and numbers said digit by digit, words that stay, abbreviations.

use super::super::data::{EXPANSIONS, KEPT, PROVINCES};
use super::super::scan::{Found, Scan};
use super::numeral::{digit_string, multiplied, numerals, radio_digit};

/// 京A零七ZX三F: a province, a letter, and five or six letters and digits.
pub(super) fn plate(scan: &Scan, at: usize) -> Option<Found> {
    let province = PROVINCES.contains(scan.at(at)) && scan.at(at + 1).is_ascii_alphabetic();
    if !province {
        return None;
    }
    let mut text = scan.text(at, at + 2);
    let start = at + 2;
    let mut end = start;
    while end < start + 6 {
        match radio_digit(scan.at(end)) {
            Some(value) => text += &value.to_string(),
            None if scan.latin(end) => text += &scan.text(end, end + 1),
            None => break,
        }
        end += 1;
    }
    (end >= start + 5 && !multiplied(scan, end)).then_some(Found { end, text })
}

/// Classes of trains, and the letter of each.
const TRAINS: [(char, char); 9] = [
    ('高', 'G'),
    ('动', 'D'),
    ('城', 'C'),
    ('直', 'Z'),
    ('特', 'T'),
    ('快', 'K'),
    ('临', 'L'),
    ('游', 'Y'),
    ('市', 'S'),
];

/// 高一二三四: a class of trains and two to four digits.
pub(super) fn train(scan: &Scan, at: usize) -> Option<Found> {
    let letter = TRAINS.iter().find(|(class, _)| *class == scan.at(at))?.1;
    let (end, digits) = digit_string(scan, at + 1, 2)?;
    // 提高三四倍 speaks of no train: behind a word it takes three digits.
    let free = !scan.han_before(at) || "坐乘趟次买订的是为到由".contains(scan.before(at));
    let fits = digits.len() <= 4 && !digits.starts_with('0');
    let said = digits.len() >= 3 || (free && !scan.han(end));
    (fits && said).then(|| Found { end, text: format!("{letter}{digits}") })
}

/// 幺二七点零点零点幺: four numbers with 点 between them.
pub(super) fn address(scan: &Scan, at: usize) -> Option<Found> {
    let (mut end, mut parts) = (at, Vec::new());
    loop {
        let (next, part) = digit_string(scan, end, 1)
            .or_else(|| longest_whole(scan, end))
            .filter(|(_, part)| part.len() <= 3)?;
        parts.push(part);
        end = next;
        match scan.word(end, "点") {
            Some(next) if parts.len() < 4 => end = next,
            _ => break,
        }
    }
    (parts.len() == 4).then(|| Found { end, text: parts.join(".") })
}

fn longest_whole(scan: &Scan, at: usize) -> Option<(usize, String)> {
    let numeral = numerals(scan, at).into_iter().rfind(|numeral| !multiplied(scan, numeral.end))?;
    Some((numeral.end, numeral.value().to_string()))
}

/// 一八五四四一三九一二一: three digits or more, decimals behind them perhaps.
pub(super) fn digits(scan: &Scan, at: usize) -> Option<Found> {
    let (end, mut text) = digit_string(scan, at, 3)?;
    let point = scan.word(end, "点").and_then(|start| digit_string(scan, start, 1));
    let Some((end, decimals)) = point else { return Some(Found { end, text }) };
    text = format!("{text}.{decimals}");
    Some(Found { end, text })
}

/// 三七二十一 and the like.
pub(super) fn kept(scan: &Scan, at: usize) -> Option<Found> {
    let (end, _) = KEPT.find(scan, at)?;
    Some(Found { end, text: scan.text(at, end) })
}

/// 全球定位系统: what is written short.
pub(super) fn expansion(scan: &Scan, at: usize) -> Option<Found> {
    if !scan.nemo() {
        return None;
    }
    let (end, entry) = EXPANSIONS.words.find(scan, at)?;
    Some(Found { end, text: EXPANSIONS.list[entry].to_owned() })
}
