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

/// Rules of addresses, tried only where one is spelled out.
const OF_ADDRESSES: [Rule; 3] = [electronic::mail, electronic::web, telephone::machine];

/// Rules that begin with a word that is no number.
const OF_WORDS: [Rule; 7] = [
    whitelist::phrase,
    whitelist::model,
    telephone::social_security,
    date::month_first,
    date::day_first,
    time::past_or_to,
    telephone::serial,
];

/// Rules that begin with a number, as [`number::begins`] tells.
const OF_NUMBERS: [Rule; 15] = [
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
    whitelist::phrase,
];

/// The text as it is written down.
pub(in crate::spoken) fn to_written(text: &str, options: &Options) -> String {
    let words = words::words(text);
    let addresses = words.iter().any(|word| word.is("dot") || word.is("www") || word.is("w"));
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while at < words.len() {
        let place = Place::new(&words, at);
        let Some(written) = longest(&place, addresses) else {
            at += 1;
            continue;
        };
        out.push_str(&text[copied..words[at].start]);
        out.push_str(&written.text);
        at += written.n_words;
        copied = words[at - 1].end();
        // One point ends `e.g.` and the sentence.
        if written.text.ends_with('.') && text[copied..].starts_with('.') {
            copied += 1;
            at += 1;
        }
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

fn longest(place: &Place, addresses: bool) -> Option<Written> {
    let of_addresses: &[Rule] = if addresses { &OF_ADDRESSES } else { &[] };
    let numbers = number::begins(place.word(0));
    let others: &[Rule] = if numbers { &OF_NUMBERS } else { &OF_WORDS };
    let mut best: Option<Written> = None;
    for written in of_addresses.iter().chain(others).filter_map(|rule| rule(place)) {
        if best.as_ref().is_none_or(|best| written.n_words > best.n_words) {
            best = Some(written);
        }
    }
    best
}
