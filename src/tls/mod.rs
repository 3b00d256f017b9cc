//! What a TLS connection does, without I/O: bytes in, bytes and facts out.
//!
//! The only module that names rustls. A handshake is driven record by record; afterwards the secrets are taken out and
//! an own record layer seals and opens records, so that alerts, their levels, empty records, and what comes behind
//! close_notify can be seen and made (RFC 8446 sections 5 and 6). Does not know FTP.

pub mod certificate;
mod client;
mod config;
mod connection;
mod engine;
mod facts;
mod handshake;
mod hello;
mod input;
mod names;
mod record;
mod reseal;
mod server;
mod server_session;
mod session;
mod tap;
mod traffic;
mod trust;

#[cfg(test)]
pub(crate) mod tests;

pub use client::ClientContext;
pub use config::{
    ClientOptions, ClientTrust, Identity, KeyLogCallback, KeyLogSink, OfferedSession, ServerFaults,
    ServerPolicy, Tls12Resumption, TlsSetupError,
};
pub use connection::{Connection, HandshakeStep, Opened};
pub use names::alert_facts;
pub use reseal::Rewrite;
pub use server::{ServerContext, ServerOptions};
pub use session::{Session, SessionOrigin, SessionStore, Tls12Offer};
