//! Sums of money as people say them: one, between two, about so much, so much or more.

use std::rc::Rc;
use std::sync::Arc;

use super::grammar::Constructor;
use super::value::Value;

/// A sum of money.
#[derive(Debug, Clone, PartialEq)]
pub struct Money {
    /// How much; of a sum between two, the smaller.
    pub amount: f64,
    /// The larger of two.
    pub to: Option<f64>,
    /// The name of the unit, in Chinese.
    pub unit: Arc<str>,
    /// How the amount is meant.
    pub bound: Bound,
}

/// How an amount is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// So much.
    Exact,
    /// About so much, or between two.
    About,
    /// So much or more.
    AtLeast,
    /// So much or less.
    AtMost,
}

impl Bound {
    /// Its name in resolutions.
    pub fn name(self) -> &'static str {
        match self {
            Bound::Exact => "exact",
            Bound::About => "about",
            Bound::AtLeast => "at least",
            Bound::AtMost => "at most",
        }
    }
}

/// The constructors of sums, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        "money" => |_, args| money(args.first()?.real()?, None, Bound::Exact),
        // money_between(smaller, larger)
        "money_between" => |_, args| between(args.first()?.real()?, args.get(1)?.real()?),
        // money_shared(smaller, larger, scale), the scale being said once: 七千到九千亿
        "money_shared" => |_, args| {
            let scale = args.get(2)?.real()?;
            between(args.first()?.real()? * scale, args.get(1)?.real()? * scale)
        },
        // money_more(number, scale): 三百多万 is up to four million
        "money_more" => |_, args| {
            let (n, scale) = (args.first()?.real()?, args.get(1)?.real()?);
            between(n * scale, (n + last_unit(n)) * scale)
        },
        // money_some(unit, scale): 数十亿 is up to ten times as much
        "money_some" => |_, args| {
            let (unit, scale) = (args.first()?.real()?, args.get(1)?.real()?);
            between(unit * scale, unit * scale * 10.0)
        },
        "money_of" => |_, args| {
            let mut money = sum(args.first()?)?;
            money.unit = args.get(1)?.text()?.into();
            Some(Value::Money(Rc::new(money)))
        },
        // money_bound(about | more | less, sum)
        "money_bound" => |_, args| {
            let mut money = sum(args.get(1)?)?;
            money.bound = match args.first()?.text()? {
                "more" => Bound::AtLeast,
                "less" => Bound::AtMost,
                _ => Bound::About,
            };
            Some(Value::Money(Rc::new(money)))
        },
        _ => return None,
    })
}

fn money(amount: f64, to: Option<f64>, bound: Bound) -> Option<Value> {
    let rounded = |value: f64| format!("{value:.14e}").parse().unwrap_or(value);
    let (amount, to) = (rounded(amount), to.map(rounded));
    Some(Value::Money(Rc::new(Money { amount, to, unit: "元".into(), bound })))
}

fn between(low: f64, high: f64) -> Option<Value> {
    (low < high).then(|| money(low, Some(high), Bound::About)).flatten()
}

fn sum(value: &Value) -> Option<Money> {
    match value {
        Value::Money(money) => Some(Money::clone(money)),
        _ => None,
    }
}

/// The power of ten that the last digit of a number counts, not zero: 10 of 350.
fn last_unit(n: f64) -> f64 {
    let mut unit = 1.0;
    while n >= unit * 10.0 && n % (unit * 10.0) == 0.0 {
        unit *= 10.0;
    }
    unit
}
