//! What a rule makes of the words it matched.

use std::rc::Rc;
use std::sync::Arc;

use super::calendar::{Period, When};
use super::money::Money;
use super::number::{Interval, Number};
use super::places::Place;

/// A value on its way up from the words to the whole expression.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing but that the pattern matched.
    #[default]
    Nothing,
    /// A small number: a month, a day of the week, a code.
    Int(i64),
    /// A name: of a unit, of a part of the day.
    Text(Arc<str>),
    /// A number as it was written.
    Number(Rc<Number>),
    /// An expression of time.
    When(Rc<When>),
    /// An expression of time by its ends.
    Period(Rc<Period>),
    /// An interval of numbers, `(20,35]`.
    Interval(Rc<Interval>),
    /// A number of something.
    Quantity(Rc<Quantity>),
    /// A sum of money.
    Money(Rc<Money>),
    /// A country or a part of one.
    Place(Rc<Place>),
    /// Several values.
    List(Rc<[Value]>),
}

/// A number of something: of a unit, of money, of years of age.
#[derive(Debug, Clone)]
pub struct Quantity {
    /// What kind: `currency`, `dimension`, `temperature`, `age`.
    pub kind: &'static str,
    /// How many, where a number stands.
    pub number: Option<Number>,
    /// Of what.
    pub unit: Arc<str>,
    /// Of money the ISO 4217 code, of dimensions the family: `Length`.
    pub code: Option<Arc<str>>,
}

impl Value {
    /// The whole number it is, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Number(number) if number.value.fract() == 0.0 && number.value.abs() < 1e15 => {
                Some(number.value as i64)
            }
            _ => None,
        }
    }

    /// The number it is, if it is one.
    pub fn real(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Number(number) => Some(number.value),
            _ => None,
        }
    }

    /// The name it is, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The time it is, if it is one.
    pub fn when(&self) -> Option<&When> {
        match self {
            Value::When(when) => Some(when),
            _ => None,
        }
    }
}
