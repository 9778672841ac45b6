//! Written Chinese to spoken: 62% is 百分之六十二.

mod code;
mod measure;
mod moment;
mod number;
mod numeral;

use super::scan::{Rule, rewrite};
use crate::spoken::Options;

/// What is read otherwise than it is written; of those that reach equally far the first counts.
const RULES: &[Rule] = &[
    code::reading,
    code::abbreviation,
    code::plate,
    code::train,
    code::address,
    code::telephone,
    code::digits_asked_for,
    code::hotline,
    moment::date,
    moment::year,
    moment::month_or_day,
    moment::clock,
    moment::generation,
    measure::money,
    measure::measure,
    number::percent,
    number::fraction,
    number::formula,
    number::score,
    number::sign,
    number::cardinal,
];

/// The text as it is read aloud.
pub(super) fn to_spoken(text: &str, options: &Options) -> String {
    rewrite(text, options, RULES)
}
