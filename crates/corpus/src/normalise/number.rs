//! Numbers: what words and digits are worth, and how they are written down.

use std::fmt::Write as _;
use std::rc::Rc;

use super::grammar::{Constructor, Context};
use super::value::Value;

/// A number as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// How it was written.
    pub form: Form,
    /// What it counts from, where it is an ordinal: `start`, `current`, `end`.
    pub relative_to: Option<&'static str>,
}

/// How a number was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `1,234`, `two hundred`.
    Integer,
    /// `1.5`, `two point five`.
    Decimal,
    /// `3/4`, `three quarters`.
    Fraction,
    /// `2e5`, `1.3x10^6`.
    Power,
    /// Words and digits mixed: `3 hundred and 21`.
    Mixed,
    /// `3rd`, `third`.
    Ordinal,
    /// `5 %`.
    Percent,
}

impl Form {
    /// The form's name in resolutions, where it has one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Form::Integer => Some("integer"),
            Form::Decimal => Some("decimal"),
            Form::Fraction => Some("fraction"),
            Form::Power => Some("power"),
            Form::Mixed | Form::Ordinal | Form::Percent => None,
        }
    }
}

/// An interval of numbers; an end that is missing is open to infinity.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// The lower end, and whether it belongs to the interval.
    pub low: Option<(f64, bool)>,
    /// The upper end, and whether it belongs to the interval.
    pub high: Option<(f64, bool)>,
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let low = self.low.map_or("(".to_owned(), |(low, closed)| {
            format!("{}{}", if closed { '[' } else { '(' }, write_number(low))
        });
        let high = self.high.map_or(")".to_owned(), |(high, closed)| {
            format!("{}{}", write_number(high), if closed { ']' } else { ')' })
        });
        write!(f, "{low},{high}")
    }
}

/// A number in at most 15 significant digits, as `1E-07` where it is very small or very large.
pub fn write_number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let scientific = format!("{value:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let n_digits = digits.len() as i32;
    let mut out = String::from(sign);
    if !(-5..15).contains(&exponent) {
        out.push_str(&digits[..1]);
        if n_digits > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "E{sign}{:02}", exponent.abs());
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(digits);
    } else if n_digits <= exponent + 1 {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (exponent + 1 - n_digits) as usize));
    } else {
        out.push_str(&digits[..(exponent + 1) as usize]);
        out.push('.');
        out.push_str(&digits[(exponent + 1) as usize..]);
    }
    out
}

/// The constructors of numbers, by their names in rule files.
pub(crate) fn constructor(name: &str) -> Option<Constructor> {
    Some(match name {
        "digits" => |_, args| digits(args.first()?.text()?),
        "words" => |_, args| words(list(args.first()?)?),
        "ordinal_words" => |_, args| {
            let list = list(args.first()?)?;
            // The value of an ordinal is that of the same cardinal.
            make(words(list)?.real()?, Form::Ordinal)
        },
        "ordinal" => |_, args| make(args.first()?.real()?, Form::Ordinal),
        "relative" => relative,
        "form_integer" => |_, args| make(args.first()?.real()?, Form::Integer),
        "negative" => |_, args| {
            let mut number = number(args.first()?)?;
            number.value = -number.value;
            Some(Value::Number(Rc::new(number)))
        },
        "times" => |_, args| {
            let (a, b) = (number(args.first()?)?, args.get(1)?.real()?);
            let value = a.value * b;
            let form = match a.form {
                Form::Decimal if value.fract() == 0.0 && b > 1000.0 => Form::Integer,
                form => form,
            };
            make(rounded(value), form)
        },
        "decimal_words" => |_, args| {
            let whole = args.first()?.real()?;
            let mut digits = String::from("0.");
            for value in list(args.get(1)?)? {
                let _ = write!(digits, "{}", value.int()?);
            }
            let fraction: f64 = digits.parse().ok()?;
            make(whole + fraction, Form::Decimal)
        },
        "fraction" => |_, args| {
            let (n, d) = (args.first()?.real()?, args.get(1)?.real()?);
            (d != 0.0).then(|| make(n / d, Form::Fraction)).flatten()
        },
        "proper_fraction" => |_, args| {
            let (n, d) = (args.first()?.real()?, args.get(1)?.real()?);
            (d > n).then(|| make(n / d, Form::Fraction)).flatten()
        },
        "mixed_fraction" => |_, args| {
            let (whole, part) = (args.first()?.real()?, args.get(1)?.real()?);
            make(whole + part, Form::Fraction)
        },
        // A whole number and a fraction of its scale: one million and a half.
        "scaled_fraction" => |_, args| {
            let (whole, part, scale) =
                (args.first()?.real()?, args.get(1)?.real()?, args.get(2)?.real()?);
            make((whole + part) * scale, Form::Fraction)
        },
        // One billion and a half million, but five and a half million.
        "big_or_small_half" => |_, args| {
            let (whole, scale) = (args.first()?.real()?, args.get(1)?.real()?);
            let value = if whole >= scale { whole + 0.5 * scale } else { (whole + 0.5) * scale };
            make(value, Form::Fraction)
        },
        // A bare `one` is as often a pronoun; other rules admit it where it is not.
        "not_one" => |_, args| {
            let number = args.first()?.real()?;
            (number != 1.0).then(|| args[0].clone())
        },
        "add" => |_, args| Some(Value::Int(args.first()?.int()? + args.get(1)?.int()?)),
        "product" => |_, args| Some(Value::Int(args.first()?.int()? * args.get(1)?.int()?)),
        "power" => |_, args| {
            let (base, exponent) = (args.first()?.real()?, args.get(1)?.real()?);
            make(base.powf(exponent), Form::Power)
        },
        "exponent" => |_, args| {
            let (base, exponent) = (args.first()?.real()?, args.get(1)?.int()?);
            // Read as a decimal, so that 12e-1 is 1.2 to the last bit.
            let value: f64 = format!("{base}e{exponent}").parse().ok()?;
            make(value, Form::Power)
        },
        "chinese" => |_, args| super::number_chinese::cardinal(list(args.first()?)?),
        "chinese_ordinal" => |_, args| {
            let value = super::number_chinese::cardinal(list(args.first()?)?)?.real()?;
            make(value, Form::Ordinal)
        },
        "chinese_digits" => |_, args| super::number_chinese::digits(list(args.first()?)?),
        "percent" => |_, args| make(args.first()?.real()?, Form::Percent),
        "percent_of" => |_, args| {
            let (n, d) = (args.first()?.real()?, args.get(1)?.real()?);
            make(rounded(n * 100.0 / d), Form::Percent)
        },
        "tenths_percent" => |_, args| super::number_chinese::tenths(args),
        "no_percent" => |_, _| make(f64::NAN, Form::Percent),
        "above" => |_, args| bound(args, true),
        "below" => |_, args| bound(args, false),
        "both" => both,
        "between" => |_, args| {
            let (low, high) = (args.first()?.real()?, args.get(1)?.real()?);
            let closed = args.get(2).and_then(Value::int).unwrap_or(0) != 0;
            (low < high).then(|| interval(Some((low, true)), Some((high, closed))))
        },
        "equal" => |_, args| {
            let value = args.first()?.real()?;
            Some(interval(Some((value, true)), Some((value, true))))
        },
        _ => return None,
    })
}

/// A number value.
pub(crate) fn make(value: f64, form: Form) -> Option<Value> {
    Some(Value::Number(Rc::new(Number { value, form, relative_to: None })))
}

/// The number that `value` is.
pub(crate) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(Number::clone(number)),
        Value::Int(n) => Some(Number { value: *n as f64, form: Form::Integer, relative_to: None }),
        _ => None,
    }
}

/// The values of a list, a single value being one.
pub(crate) fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(list) => Some(list),
        _ => None,
    }
}

/// Without the noise of a decimal multiplied in binary.
fn rounded(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

fn interval(low: Option<(f64, bool)>, high: Option<(f64, bool)>) -> Value {
    Value::Interval(Rc::new(Interval { low, high }))
}

/// `above(n, 1)`: from n on, n included; `above(n, 0)`: beyond n.
fn bound(args: &[Value], above: bool) -> Option<Value> {
    let end = Some((args.first()?.real()?, args.get(1)?.int()? != 0));
    Some(if above { interval(end, None) } else { interval(None, end) })
}

/// Two half-open intervals as one, where they overlap.
fn both(_: &Context, args: &[Value]) -> Option<Value> {
    let (Value::Interval(a), Value::Interval(b)) = (args.first()?, args.get(1)?) else {
        return None;
    };
    let (low, high) = (a.low.or(b.low)?, a.high.or(b.high)?);
    (low.0 < high.0).then(|| interval(Some(low), Some(high)))
}

fn relative(_: &Context, args: &[Value]) -> Option<Value> {
    let relative_to = match args.get(1)?.text()? {
        "end" => "end",
        _ => "current",
    };
    let number = Number {
        value: args.first()?.real()?,
        form: Form::Ordinal,
        relative_to: Some(relative_to),
    };
    Some(Value::Number(Rc::new(number)))
}

/// Digits with marks between thousands and before decimals, in either custom.
fn digits(text: &str) -> Option<Value> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let last = text.rfind(['.', ',']);
    let n_marks = |mark| text.matches(mark).count();
    let decimal_at = match last {
        None => None,
        Some(at) => {
            let mark = if text.as_bytes()[at] == b',' { ',' } else { '.' };
            let other = if mark == ',' { '.' } else { ',' };
            let thousands =
                n_marks(mark) > 1 || (mark == ',' && n_marks(other) == 0 && text.len() - at == 4);
            (!thousands).then_some(at)
        }
    };
    let mut plain = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if Some(at) == decimal_at {
            plain.push('.');
        } else if c.is_ascii_digit() {
            plain.push(c);
        }
    }
    let form = if decimal_at.is_some() { Form::Decimal } else { Form::Integer };
    make(plain.parse().ok()?, form)
}

/// English number words: `[2, 100, 2, 1000]` is 202,000. Digits among them are `Number`s.
fn words(words: &[Value]) -> Option<Value> {
    // What is complete, the part below the last scale, and that scale.
    let (mut total, mut part, mut last_scale) = (0.0_f64, 0.0_f64, f64::INFINITY);
    let mut form = Form::Integer;
    let mut just_scaled = false;
    for (at, word) in words.iter().enumerate() {
        let value = word.real()?;
        if let Value::Number(_) = word {
            if at > 0 && (value >= 100.0 || part % 100.0 != 0.0 || words.len() == 1) {
                return None;
            }
            form = Form::Mixed;
            part += value;
            just_scaled = false;
            continue;
        }
        match value {
            0.0 if words.len() > 1 => return None,
            _ if value < 10.0 => {
                if part % 10.0 != 0.0 || part % 100.0 == 10.0 {
                    return None;
                }
                part += value;
                just_scaled = false;
            }
            _ if value < 100.0 => {
                if part % 100.0 != 0.0 {
                    return None;
                }
                part += value;
                just_scaled = false;
            }
            100.0 => {
                if part >= 100.0 {
                    return None;
                }
                part = part.max(1.0) * 100.0;
                just_scaled = true;
            }
            scale => {
                if part == 0.0 && total > 0.0 {
                    if !just_scaled {
                        return None;
                    }
                    total *= scale;
                    last_scale = scale;
                } else if scale < last_scale {
                    total += part.max(1.0) * scale;
                    last_scale = scale;
                } else {
                    total = (total + part) * scale;
                    last_scale = scale;
                }
                part = 0.0;
                just_scaled = true;
            }
        }
    }
    make(total + part, form)
}
