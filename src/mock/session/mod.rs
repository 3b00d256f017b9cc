//! One control connection of the embedded server: lines in, replies out, and the state between them.

mod connection;
mod epoch;
mod line;
mod protection;
mod reply;
mod settings;

pub(in crate::mock) use connection::Session;
pub(in crate::mock) use epoch::{Epoch, Label};
pub(in crate::mock) use line::Line;
pub(in crate::mock) use settings::{Access, Control, Ended, Kept, Level, Settings, Step, TransferType};
