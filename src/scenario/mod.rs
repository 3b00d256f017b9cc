//! Scenario files: what may stand in one ([`model`]), how it is read, lowered and checked.
//!
//! Pure: text in, values or problems out. Does not act and does not judge.

pub mod embedded;
mod error;
mod load;
mod lower;
pub mod model;
mod raw;
mod vars;
mod yaml;

pub use error::{LoadError, LoadErrorKind};
pub use load::{Known, load};
pub use model::Scenario;
