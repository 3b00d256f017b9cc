//! The raw bytes of a case beside its trace: collected within bounds, passwords masked, written as pcapng.
//!
//! Nothing is captured from the network: the harness keeps what it reads and writes, and the TCP/IP frames around it are
//! made (`frames`). `docs/capture.md` says what is true about them and what is not.

mod collector;
mod frames;
mod pcapng;
#[cfg(test)]
mod tests;

pub use collector::{Capture, Captured, ConnectionId, ConnectionStart, TcpEnd};
pub use pcapng::{CaptureLabel, write_capture};
