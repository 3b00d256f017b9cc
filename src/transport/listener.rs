//! A listening socket.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Link, LinkError};
use crate::trace::{Channel, DataPath, Recorder};

/// A listening TCP socket.
#[derive(Debug)]
pub struct Listener {}

impl Listener {
    /// Listens on `address` (port 0: any), or on a free port of `ports`.
    ///
    /// # Errors
    /// No free port, or no such address on this machine; local trouble.
    pub fn bind(_address: SocketAddr, _ports: Option<RangeInclusive<u16>>) -> Result<Self, LinkError> {
        todo!()
    }

    /// Where it listens.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        todo!()
    }

    /// Waits for a connection (for ever when no deadline is given); records `Connected`. Cancel-safe.
    ///
    /// # Errors
    /// Timed out, or local trouble.
    pub async fn accept(
        &self,
        _path: Option<DataPath>,
        _deadline: Option<Duration>,
        _channel: Channel,
        _recorder: Recorder,
    ) -> Result<Link, LinkError> {
        todo!()
    }
}
