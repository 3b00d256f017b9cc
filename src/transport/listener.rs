//! A listening socket.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::link::local_trouble;
use super::{Link, LinkError, LinkErrorKind};
use crate::trace::{Channel, DataPath, Recorder};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// A port that is kept for connections of our own: nobody else gets it, and nobody can connect to it.
#[derive(Debug)]
pub struct Reservation {
    _socket: Socket,
    local: SocketAddr,
}

impl Reservation {
    /// Keeps `address`.
    ///
    /// # Errors
    /// It is taken, or not ours to take; local trouble.
    pub fn take(address: SocketAddr) -> Result<Self, LinkError> {
        let reserve = || {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            Ok(socket)
        };
        let socket = reserve().map_err(|error: io::Error| local_trouble(&error))?;
        Ok(Self {
            _socket: socket,
            local: address,
        })
    }

    /// The address.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }
}

/// A listening TCP socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Listens on `address` (port 0: any), or on a free port of `ports`.
    ///
    /// # Errors
    /// No free port, or no such address on this machine; local trouble.
    pub fn bind(address: SocketAddr, ports: Option<RangeInclusive<u16>>) -> Result<Self, LinkError> {
        let Some(ports) = ports else {
            return listen(address).map_err(|error| {
                LinkError::new(
                    LinkErrorKind::Local,
                    format!("cannot listen on {address}: {error}"),
                )
            });
        };
        let (first, last) = (*ports.start(), *ports.end());
        for port in ports {
            match listen(SocketAddr::new(address.ip(), port)) {
                Ok(listener) => return Ok(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => {
                    let detail = format!(
                        "cannot listen on {}: {error}",
                        SocketAddr::new(address.ip(), port)
                    );
                    return Err(LinkError::new(LinkErrorKind::Local, detail));
                }
            }
        }
        Err(LinkError::new(
            LinkErrorKind::Local,
            format!("no free port on {} from {first} to {last}", address.ip()),
        ))
    }

    /// Where it listens.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Waits for a connection (for ever when no deadline is given); records `Connected`. Cancel-safe.
    ///
    /// # Errors
    /// Timed out, or local trouble.
    pub async fn accept(
        &self,
        path: Option<DataPath>,
        deadline: Option<Duration>,
        channel: Channel,
        recorder: Recorder,
    ) -> Result<Link, LinkError> {
        let accepted = match deadline {
            None => self.accept_next().await,
            Some(deadline) => timeout(deadline, self.accept_next())
                .await
                .map_err(|_| LinkError::new(LinkErrorKind::TimedOut, "nobody connected in time"))?,
        };
        let (stream, peer) = accepted.map_err(|error| local_trouble(&error))?;
        let mut link = Link::from_stream(stream, peer, channel, recorder)?;
        link.record_connected(path, false);
        Ok(link)
    }

    async fn accept_next(&self) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
        loop {
            match self.socket.accept().await {
                // Gone before we took it; the next one is as good.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                outcome => return outcome,
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let socket = TcpListener::from_std(socket.into())?;
    let local = socket.local_addr()?;
    Ok(Listener { socket, local })
}
