//! What the commands of the embedded server do, once the table in `state` has taken them.
//!
//! One file per group of RFC 959 section 4.1 and of the extensions; every handler sends its own replies.

mod access;
mod argument;
mod dispatch;
mod file;
mod info;
mod list;
mod opening;
mod parameter;
mod protection;
mod running;
mod slip;
mod transfer;

pub(super) use dispatch::obey;
pub(super) use slip::{Slip, before_rules, instead};
