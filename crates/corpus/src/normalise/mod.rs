//! One form for expressions of time, quantity and place: find, resolve, rewrite.
//!
//! Rules are data: files under `rules/`, a folder a language, whose lines say what words make a
//! date and which constructor turns them into a value; `grammar.rs` describes them. One engine runs
//! them all.

mod calendar;
mod compiler;
mod cut;
mod form;
mod form_chinese;
mod gazetteer;
mod grammar;
mod language;
mod machine;
mod money;
mod number;
mod number_chinese;
mod places;
mod quantity;
mod resolve;
mod rewrite;
mod step;
pub mod token;
mod unify;
mod value;

pub use calendar::{Ends, Open, Period, Sort, Stretch, When, afternoon_of};
pub use grammar::RuleError;
pub use language::{Found, Lang, Language, language};
pub use money::{Bound, Money};
pub use number::{Form, Interval, Number, write_number};
pub use places::{Place, find_places};
pub use resolve::{Resolution, resolve};
pub(crate) use rewrite::is_statement;
pub use rewrite::{Normalised, Options, Span, normalise, spans_from_json, spans_to_json, undo};
pub use step::{Normalise, Undo, parse_reference};
pub use unify::{Chinese, Form as UnicodeForm, Unify};
pub use value::{Quantity, Value};
