//! What was said as it is written: at every word the longest rule wins, and of two as long the one
//! that stands first.

mod date;
mod electronic;
mod measure;
mod money;
mod number;
mod telephone;
mod time;
mod whitelist;
mod words;

use words::{Place, Written};

use crate::spoken::{Conventions, Options};

/// A rule looks at what stands from a place on.
type Rule = fn(&Place) -> Option<Written>;

const RULES: [Rule; 21] = [
    whitelist::phrase,
    whitelist::model,
    electronic::mail,
    electronic::web,
    telephone::social_security,
    telephone::machine,
    date::month_first,
    date::day_first,
    date::year_of_era,
    date::decade,
    money::money,
    number::ordinal_number,
    measure::measure,
    time::past_or_to,
    time::oclock,
    time::hour_and_minute,
    date::year_alone,
    telephone::telephone,
    telephone::serial,
    number::fraction,
    number::number,
];

/// The text as it is written down.
pub(in crate::spoken) fn to_written(text: &str, options: &Options) -> String {
    let words = words::words(text);
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while at < words.len() {
        let place = Place::new(&words, at);
        let Some(written) = longest(&place) else {
            at += 1;
            continue;
        };
        out.push_str(&text[copied..words[at].start]);
        out.push_str(&written.text);
        at += written.n_words;
        copied = words[at - 1].end();
        // WeTextProcessing writes a mark behind a number apart.
        let apart = options.conventions == Conventions::WeText
            && !options.keep_spacing
            && words.get(at).is_some_and(|next| next.start == copied);
        if apart {
            out.push(' ');
        }
    }
    out.push_str(&text[copied..]);
    out
}

fn longest(place: &Place) -> Option<Written> {
    let mut best: Option<Written> = None;
    for written in RULES.iter().filter_map(|rule| rule(place)) {
        if best.as_ref().is_none_or(|best| written.n_words > best.n_words) {
            best = Some(written);
        }
    }
    best
}
