//! Scenario files: what may stand in one ([`model`]), how it is read, lowered and checked.
//!
//! Pure: text in, values or problems out. Does not act and does not judge.

pub mod model;

pub use model::Scenario;
