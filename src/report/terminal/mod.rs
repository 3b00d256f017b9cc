//! What the terminal shows: the summary of a run, and one finding in full.
//!
//! Returns text; printing it is the business of `cli`.

mod finding;
mod paint;
mod summary;

pub use finding::render_finding;
pub use summary::render_summary;
