//! What befalls a run, and what is left of it: all that was saved, and a sentence.

mod average;
mod damage;
mod faulty;
mod interruption;
mod workshop;
