//! Words that change an expression of time: before, after, since, until, about.

use super::super::grammar::Constructor;
use super::{Open, Sort, When, some, when};

/// The constructors of changed expressions, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        // bounded(before | after | since | until, time)
        "bounded" => |_, args| bounded(args.first()?.text()?, when(args, 1)?).and_then(some),
        // The same of a time on a day, whose day the limit is said of.
        "bounded_plain" => |_, args| {
            let mut found = bounded(args.first()?.text()?, when(args, 1)?)?;
            found.source = None;
            some(found)
        },
        // only(sort, time): refuses a time of another sort
        "only" => |_, args| {
            let found = when(args, 1)?;
            (found.sort.name() == args.first()?.text()?).then(|| args[1].clone())
        },
        "about" => |_, args| {
            let mut found = when(args, 0)?.clone();
            found.modifier = Some(match &found.modifier {
                Some(modifier) => format!("{modifier}-approx"),
                None => "approx".to_owned(),
            });
            some(found)
        },
        // changed(more | less, duration)
        "changed" => |_, args| {
            let mut found = when(args, 1)?.clone();
            found.modifier = Some(args.first()?.text()?.to_owned());
            some(found)
        },
        _ => return None,
    })
}

/// Everything before, after, since or until a time.
fn bounded(word: &str, of: &When) -> Option<When> {
    if of.open != Open::No || of.sort == Sort::Set {
        return None;
    }
    let range = matches!(of.sort, Sort::DateRange | Sort::TimeRange | Sort::DateTimeRange);
    let mut found = of.clone();
    let (open, at_end) = match word {
        "before" => (Open::Start, false),
        "until" => (Open::Start, true),
        "after" => (Open::End, true),
        _ => (Open::End, false),
    };
    // A part such as `mid May` is bounded by its far or near end just as a whole month is.
    let at = |ends: super::Ends| if at_end { ends.1 } else { ends.0 };
    let (past, future) = (at(of.past), at(of.future));
    (found.past, found.future) = ((past, past), (future, future));
    found.open = open;
    found.modifier = Some(match &of.modifier {
        Some(modifier) => format!("{word}-{modifier}"),
        None => word.to_owned(),
    });
    let part_of_day = of.sort == Sort::TimeRange && of.timex.starts_with("TM");
    found.source = (!part_of_day).then_some(if range { "datetimerange" } else { "datetimepoint" });
    found.sort = match of.sort {
        Sort::Date => Sort::DateRange,
        Sort::Time => Sort::TimeRange,
        Sort::DateTime => Sort::DateTimeRange,
        sort => sort,
    };
    Some(found)
}
