//! Which cases there are, and in which order (pure).
//!
//! A case is a scenario, a target and a cell of the scenario's matrix. Whether it applies is decided from the target's
//! capabilities; nothing here acts.

mod case;
pub mod template;

pub use case::{Case, CaseId, Cell};
