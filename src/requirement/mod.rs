//! The catalogue of requirements, and the closed list of capabilities a target can have.
//!
//! Pure values. Says what the texts ask for; does not say whether a target does it (`judge`).

mod capability;
mod catalogue;
mod level;

pub use capability::Capability;
pub use catalogue::{Catalogue, CatalogueError, CatalogueErrorKind, CheckIdea, Requirement};
pub use level::{Grade, Level, Side};
