//! A linear classifier of hashed n-grams, as fastText's (Joulin et al. 2016, arXiv 1607.01759), and
//! what makes a filter of it: *train*, *calibrate*, *choose a threshold*.
//!
//! It is small enough for every page of a crawl: one table of weights, read once for each n-gram.

mod calibration;
mod curve;
mod features;
mod file;
mod linear;
mod model;
mod training;

pub use calibration::{calibration_error, temperature};
pub use curve::{Curve, Point, auc};
pub use features::Features;
pub use linear::Linear;
pub use model::{Model, Report};
pub use training::{Example, Training};
