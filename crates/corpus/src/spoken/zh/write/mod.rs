//! Spoken Chinese to written: 百分之六十二 is 62%.

mod amount;
mod code;
mod measure;
mod moment;
mod number;
mod numeral;

use super::scan::{Rule, rewrite};
use crate::spoken::Options;

/// What may be written otherwise; of those that reach equally far the first counts.
const RULES: &[Rule] = &[
    code::plate,
    code::train,
    code::address,
    code::digits,
    moment::date,
    moment::clock,
    number::formula,
    number::score,
    number::percent,
    number::fraction,
    measure::money,
    number::ordinal,
    code::kept,
    code::expansion,
    measure::per,
    measure::range,
    measure::split,
    measure::measure,
    number::cardinal,
];

/// The text as it is written down.
pub(super) fn to_written(text: &str, options: &Options) -> String {
    rewrite(text, options, RULES)
}
