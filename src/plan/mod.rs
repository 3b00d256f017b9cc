//! Which cases there are, and in which order (pure).
//!
//! A case is a scenario, a target and a cell of the scenario's matrix. Whether it applies is decided from the target's
//! capabilities; nothing here acts.

mod applicability;
mod case;
mod expand;
#[cfg(test)]
pub(crate) mod fixtures;
mod glob;
mod select;
mod shard;
pub mod template;

pub use applicability::{Applicability, CapabilityFact, TargetFacts, applicability, capabilities_needed};
pub use case::{Case, CaseId, Cell};
pub use expand::expand;
pub use select::{
    CellFilter, Filter, SelectError, SelectErrorKind, area_of, check_cell_filters, keeps_cell,
    requirements_of, select,
};
pub use shard::{Durations, Shard, ShardError, order_longest_first, shard};
