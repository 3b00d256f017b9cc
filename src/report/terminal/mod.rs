//! What the terminal shows: the summary of a run, and one finding in full.
//!
//! Returns text; printing it is the business of `cli`.

mod finding;
mod grid;
mod matrix;
mod paint;
mod summary;

pub use finding::render_finding;
pub use matrix::render_scenarios;
pub use summary::render_summary;
