//! `ftpspec` checks whether an FTPS implementation (FTP over TLS, RFC 4217) does what the RFCs and the
//! field require, and proves that each of its own checks can fail.
//!
//! Imports go down, never across the columns; only `runner` joins them:
//!
//! ```text
//!         PURE                                        I/O
//! L6                         cli
//! L5         report, diagnostic, advice, cargo_test
//! L4                        runner
//! L3   plan   judge                       client   mock   target
//! L2    scenario                            tls < transport
//! L1         requirement      wire      trace
//! L0                          base
//! ```
//!
//! Data flows one way: a scenario file is loaded ([`scenario`]), becomes cases ([`plan`]), the
//! [`runner`] lets the [`client`] act and records events ([`trace`]), the [`judge`] turns events into
//! verdicts, and [`report`] writes them down.

// L0
pub mod base;
// L1
pub mod requirement;
pub mod trace;
pub mod wire;
// L2
pub mod scenario;
pub mod tls;
pub mod transport;
// L3
pub mod client;
pub mod judge;
pub mod mock;
pub mod plan;
pub mod target;
// L4
pub mod runner;
// L5
pub mod advice;
pub mod cargo_test;
pub mod diagnostic;
pub mod report;
// L6
pub mod cli;
