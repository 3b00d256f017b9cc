//! Lets the client act for a case, asks the judge after each step, and collects outcomes.

mod execute;
pub mod outcome;
mod vars;

pub use execute::{CaseContext, execute};
