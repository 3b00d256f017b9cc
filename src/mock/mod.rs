//! The embedded server: strict, correct FTPS over an in-memory store, and deliberate mistakes on demand.
//!
//! It is the reference that every scenario must pass against, and with a [`Fault`] the proof that a scenario can fail.

mod fault;

pub use fault::Fault;
