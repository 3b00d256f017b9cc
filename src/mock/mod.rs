//! The embedded server: strict, correct FTPS over an in-memory store, and deliberate mistakes on demand.
//!
//! It is the reference that every scenario must pass against, and with a [`Fault`] the proof that a scenario can fail.

mod closed_list;
mod commands;
mod data;
mod fault;
mod habit;
mod hello;
mod listing;
mod observation;
mod options;
mod path;
mod server;
mod session;
mod state;
mod store;

pub use fault::Fault;
pub use habit::Habit;
pub use observation::{DataEnd, DataHandshake, Observation, ResumedFrom};
pub use options::{Account, Options, ReusePolicy};
pub use path::StorePath;
pub use server::{MockError, Server};
pub use store::{Entry, Store, StoreError, StoreErrorKind};

#[cfg(test)]
mod tests;
