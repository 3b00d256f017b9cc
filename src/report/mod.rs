//! Reports: pure functions of outcomes. Nothing here acts, judges, prints or writes files.
//!
//! [`files`] gives the files of a report folder; `cli` writes them.

pub mod baseline;
pub mod coverage;
pub mod diff;
mod files;
mod gather;
pub mod json;
pub mod junit;
pub mod kill_matrix;
pub mod markdown;
pub mod merge;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;

pub use files::{FilesError, ReportFile, files};
