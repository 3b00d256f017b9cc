//! One data connection of the embedded server, from PASV or PORT to its end.
//!
//! Runs beside the control connection; see `commands::transfer` for what happens there. Knows nothing about files.

mod carrier;
mod plan;
mod receive;
mod send;

pub(in crate::mock) use carrier::carry;
pub(in crate::mock) use plan::{Outcome, Payload, Plan, Progress, Protection, Route, RouteKind};
pub(in crate::mock) use receive::{close, drain};
