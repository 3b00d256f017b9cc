//! Scenario files: what may stand in one ([`model`]), how it is read, lowered and checked.
//!
//! Pure: text in, values or problems out. Does not act and does not judge.

pub mod embedded;
mod error;
pub mod explain;
mod load;
mod lower;
pub mod model;
mod raw;
pub mod reference;
pub mod schema;
mod vars;
mod words;
pub(crate) mod yaml;

pub use error::{LoadError, LoadErrorKind};
pub use load::{Known, load};
pub use model::Scenario;
