//! The catalogue of requirements, and the closed list of capabilities a target can have.
//!
//! Pure values. Says what the texts ask for; does not say whether a target does it (`judge`).

mod capability;
mod level;

pub use capability::Capability;
pub use level::{Grade, Level, Side};
