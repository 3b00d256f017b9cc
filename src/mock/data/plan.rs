//! What a data connection is told, and what becomes of it. Values only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tokio::sync::Notify;

use crate::mock::observation::{DataEnd, DataHandshake};
use crate::mock::server::Shared;
use crate::mock::session::{Epoch, Level};
use crate::tls::Identity;
use crate::trace::{Channel, DataPath, Recorder};
use crate::transport::{Link, Listener};

/// How the next data connection comes about.
#[derive(Debug)]
pub(in crate::mock) struct Route {
    /// Who opens it.
    pub(in crate::mock) kind: RouteKind,
    /// Which command made it.
    pub(in crate::mock) path: DataPath,
    /// The protection level of that moment; for a fault.
    pub(in crate::mock) level: Level,
    /// The listener of before; for a fault.
    pub(in crate::mock) older: Option<Arc<Listener>>,
}

impl Route {
    /// The same passive route once more; for a fault.
    pub(in crate::mock) fn again(&self) -> Option<Self> {
        match &self.kind {
            RouteKind::Passive(listener) => Some(Self {
                kind: RouteKind::Passive(Arc::clone(listener)),
                path: self.path,
                level: self.level,
                older: None,
            }),
            RouteKind::Active(_) => None,
        }
    }
}

/// Who opens the data connection.
#[derive(Debug)]
pub(in crate::mock) enum RouteKind {
    /// The client, to this listener.
    Passive(Arc<Listener>),
    /// The server, to this address.
    Active(SocketAddr),
}

/// How a data connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock) enum Protection {
    /// Not at all.
    Clear,
    /// A ClientHello is waited for, and then data is sent in clear; for a fault.
    ClearBehindHello,
    /// By TLS.
    Private,
}

/// All that a data connection needs to know, so that it can run beside the control connection.
#[derive(Debug)]
pub(in crate::mock) struct Plan {
    pub(in crate::mock) shared: Arc<Shared>,
    pub(in crate::mock) recorder: Recorder,
    pub(in crate::mock) channel: Channel,
    pub(in crate::mock) number: u32,
    pub(in crate::mock) route: Route,
    /// A listener that is asked first; for a fault.
    pub(in crate::mock) older: Option<Arc<Listener>>,
    /// Peer of the control connection.
    pub(in crate::mock) peer: IpAddr,
    /// Our address on the control connection.
    pub(in crate::mock) local: IpAddr,
    pub(in crate::mock) protection: Protection,
    /// Sessions that belong to the control connection.
    pub(in crate::mock) epoch: Epoch,
    /// The epoch before REIN, when a fault insists on it.
    pub(in crate::mock) demanded_epoch: Option<Epoch>,
    /// The certificate that HOST chose, when that is not the usual one.
    pub(in crate::mock) identity: Option<Identity>,
    /// SHA-256 of the certificate the client showed on the control connection.
    pub(in crate::mock) client_certificate: Option<String>,
    /// The control connection went back to clear with CCC.
    pub(in crate::mock) is_after_ccc: bool,
    /// A session of a data connection was offered before; for a fault.
    pub(in crate::mock) has_used_data_session: bool,
    /// LIST, NLST or MLSD.
    pub(in crate::mock) is_listing: bool,
    /// RFC 2228 length prefixes; for a fault.
    pub(in crate::mock) is_framed: bool,
}

/// What moves.
#[derive(Debug)]
pub(in crate::mock) enum Payload {
    /// From the server to the client.
    Download(Vec<u8>),
    /// From the client to the server.
    Upload {
        /// The most bytes that are taken.
        limit: u64,
        /// The number of bytes announced with ALLO.
        announced: Option<u64>,
    },
}

/// What a control connection sees of its transfer.
#[derive(Debug, Default)]
pub(in crate::mock) struct Progress {
    /// Bytes moved.
    pub(in crate::mock) bytes: AtomicU64,
    /// End early as if all were well; for a fault.
    pub(in crate::mock) must_finish: AtomicBool,
    /// The data connection is there.
    pub(in crate::mock) connected: Notify,
    /// The data connection is there, and protected where it should be.
    pub(in crate::mock) opened: Notify,
}

/// What became of a data connection.
#[derive(Debug)]
pub(in crate::mock) struct Outcome {
    /// The bytes of an upload (empty for downloads), or why there are none.
    pub(in crate::mock) result: Result<Vec<u8>, Failure>,
    /// The handshake, when one finished.
    pub(in crate::mock) handshake: Option<DataHandshake>,
    /// How it ended.
    pub(in crate::mock) end: DataEnd,
    /// The connection, when the peer's end is still to come.
    pub(in crate::mock) link: Option<Link>,
}

/// Why a transfer failed: the final reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mock) struct Failure {
    pub(in crate::mock) code: u16,
    pub(in crate::mock) text: &'static str,
    pub(in crate::mock) end: DataEnd,
    /// What has arrived of an upload that was cut; for a habit.
    pub(in crate::mock) kept: Option<Vec<u8>>,
}

impl Failure {
    pub(super) fn new(code: u16, text: &'static str, end: DataEnd) -> Self {
        Self {
            code,
            text,
            end,
            kept: None,
        }
    }
}
