//! Reports: pure functions of outcomes. Nothing here acts, judges, prints or writes files.
//!
//! [`files`] gives the files of a report folder; `cli` writes them.

pub mod badge;
pub mod baseline;
pub mod coverage;
pub mod csv;
pub mod diff;
#[cfg(test)]
mod fixtures;
mod format;
mod gather;
pub mod github;
pub mod html;
mod input;
pub mod json;
pub mod junit;
pub mod kill_matrix;
pub mod markdown;
pub mod merge;
mod sources;
pub mod tap;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;

pub use format::{Format, RenderError, ReportFile, files, render};
pub use input::{Input, Traces};
pub use sources::{Place, RequirementSource, SOURCES_FORMAT, ScenarioSource, Sources, StepPlace};
