//! What the terminal shows: the summary of a run, one finding in full, and what went over the wire.
//!
//! Returns text; printing it is the business of `cli`.

mod finding;
mod grid;
mod matrix;
mod paint;
mod summary;
mod transcript;

pub use finding::render_finding;
pub use matrix::render_scenarios;
pub(super) use paint::Paint;
pub use summary::render_summary;
pub use transcript::render_transcript;
