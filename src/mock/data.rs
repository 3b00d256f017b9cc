//! One data connection of the embedded server, from PASV or PORT to its end.
//!
//! RFC 959 section 5.2, RFC 4217 sections 7, 9, 10.2, 12; RFC 2577 section 8 (peer address). The server is the TLS server
//! whoever opened the connection, an upload is complete when its end is authenticated and not before, and a download ends
//! with close_notify. Knows nothing about files; see `commands::transfer`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::hello::{self, Hello, Place};
use super::observation::{DataEnd, DataHandshake, ResumedFrom};
use super::server::{Shared, reuse_policy};
use super::session::{Epoch, Label, Level};
use super::{Fault, ReusePolicy};
use crate::tls::{ClientContext, ClientOptions, ClientTrust, ServerOptions};
use crate::trace::{Channel, DataPath, HandshakeFacts, HandshakeKind, Recorder, TlsVersion};
use crate::transport::{Incoming, Link, Listener, TcpClose};

/// How much is sent at once.
const CHUNK: usize = 64 * 1024;
/// How long the peer's end of a data connection is waited for after the transfer.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// How long a finished download waits for a reset that may be under way.
const REGRET: Duration = Duration::from_millis(50);
/// Downloads up to this size are not waited for: the peer's buffers hold them.
const SMALL: u64 = 64 * 1024;
/// How long a fault waits for a connection to the listener of before.
const OLDER_DEADLINE: Duration = Duration::from_millis(500);
/// Alerts, RFC 8446 section 6.
const BAD_RECORD_MAC: u8 = 20;
const ACCESS_DENIED: u8 = 49;
const DECODE_ERROR: u8 = 50;

/// How the next data connection comes about.
#[derive(Debug)]
pub(super) struct Route {
    /// Who opens it.
    pub(super) kind: RouteKind,
    /// Which command made it.
    pub(super) path: DataPath,
    /// The protection level of that moment; for a fault.
    pub(super) level: Level,
    /// The listener of before; for a fault.
    pub(super) older: Option<Arc<Listener>>,
}

impl Route {
    /// The same passive route once more; for a fault.
    pub(super) fn again(&self) -> Option<Self> {
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
pub(super) enum RouteKind {
    /// The client, to this listener.
    Passive(Arc<Listener>),
    /// The server, to this address.
    Active(SocketAddr),
}

/// How a data connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// Not at all.
    Clear,
    /// A ClientHello is waited for, and then data is sent in clear; for a fault.
    ClearBehindHello,
    /// By TLS.
    Private,
}

/// All that a data connection needs to know, so that it can run beside the control connection.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) shared: Arc<Shared>,
    pub(super) recorder: Recorder,
    pub(super) channel: Channel,
    pub(super) number: u32,
    pub(super) route: Route,
    /// A listener that is asked first; for a fault.
    pub(super) older: Option<Arc<Listener>>,
    /// Peer of the control connection.
    pub(super) peer: IpAddr,
    /// Our address on the control connection.
    pub(super) local: IpAddr,
    pub(super) protection: Protection,
    /// Sessions that belong to the control connection.
    pub(super) epoch: Epoch,
    /// The epoch before REIN, when a fault insists on it.
    pub(super) demanded_epoch: Option<Epoch>,
    /// SHA-256 of the certificate the client showed on the control connection.
    pub(super) client_certificate: Option<String>,
    /// The control connection went back to clear with CCC.
    pub(super) is_after_ccc: bool,
    /// A session of a data connection was offered before; for a fault.
    pub(super) has_used_data_session: bool,
    /// LIST, NLST or MLSD.
    pub(super) is_listing: bool,
    /// RFC 2228 length prefixes; for a fault.
    pub(super) is_framed: bool,
}

/// What moves.
#[derive(Debug)]
pub(super) enum Payload {
    /// From the server to the client.
    Download(Vec<u8>),
    /// From the client to the server.
    Upload {
        /// The most bytes that are taken.
        limit: Option<u64>,
        /// The number of bytes announced with ALLO.
        announced: Option<u64>,
    },
}

/// What a control connection sees of its transfer.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes moved.
    pub(super) bytes: AtomicU64,
    /// End early as if all were well; for a fault.
    pub(super) must_finish: AtomicBool,
    /// The data connection is there, and protected where it should be.
    pub(super) opened: Notify,
}

/// What became of a data connection.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The bytes of an upload (empty for downloads), or why there are none.
    pub(super) result: Result<Vec<u8>, Failure>,
    /// The handshake, when one finished.
    pub(super) handshake: Option<DataHandshake>,
    /// How it ended.
    pub(super) end: DataEnd,
    /// The connection, when the peer's end is still to come.
    pub(super) link: Option<Link>,
}

/// Why a transfer failed: the final reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: u16,
    pub(super) text: &'static str,
    pub(super) end: DataEnd,
}

impl Failure {
    fn new(code: u16, text: &'static str, end: DataEnd) -> Self {
        Self { code, text, end }
    }
}

/// What stands between the TCP connection and the payload.
enum Shield {
    /// TLS, or nothing where nothing is due.
    Up,
    /// Clear text where TLS is due, with what was read of it; for a fault.
    Missing(Vec<u8>),
}

/// Opens the data connection, protects it, and moves the payload. Dropping the future closes the connection without
/// close_notify.
pub(super) async fn carry(plan: Plan, payload: Payload, progress: Arc<Progress>) -> Outcome {
    let mut carrier = Carrier {
        plan,
        progress,
        handshake: None,
    };
    let (result, end, link) = carrier.run(payload).await;
    Outcome {
        result,
        handshake: carrier.handshake,
        end,
        link,
    }
}

/// Reads a connection to its end, so that closing it does not reset what the peer has still to read.
pub(super) async fn drain(mut link: Link) {
    let end = async { while !matches!(link.receive().await, Incoming::Fin | Incoming::Reset) {} };
    // A peer that keeps its end open is closed all the same, by the drop of the link.
    drop(tokio::time::timeout(DRAIN_DEADLINE, end).await);
}

struct Carrier {
    plan: Plan,
    progress: Arc<Progress>,
    handshake: Option<DataHandshake>,
}

type Carried = (Result<Vec<u8>, Failure>, DataEnd, Option<Link>);

impl Carrier {
    fn has(&self, fault: Fault) -> bool {
        self.plan.shared.has(fault)
    }

    async fn run(&mut self, payload: Payload) -> Carried {
        let mut link = match self.open().await {
            Ok(link) => link,
            Err(failure) => return (Err(failure.clone()), failure.end, None),
        };
        let is_upload = matches!(payload, Payload::Upload { .. });
        let moved = match self.protect(&mut link, is_upload).await {
            Err(failure) => Err(failure),
            Ok(shield) => {
                self.progress.opened.notify_one();
                match payload {
                    Payload::Download(bytes) => self.send_all(&mut link, &bytes).await,
                    Payload::Upload { limit, announced } => {
                        self.receive_all(&mut link, shield, limit, announced).await
                    }
                }
            }
        };
        match moved {
            Ok((bytes, end)) => (Ok(bytes), end, Some(link)),
            Err(failure) => {
                let end = failure.end;
                (Err(failure), end, None)
            }
        }
    }

    // Opening

    async fn open(&self) -> Result<Link, Failure> {
        let plan = &self.plan;
        let deadline = plan.shared.options.data_timeout;
        let path = Some(plan.route.path);
        let channel = plan.channel.clone();
        let recorder = plan.recorder.clone();
        if let Some(link) = self.open_older().await {
            return Ok(link);
        }
        let opened = match &plan.route.kind {
            RouteKind::Passive(listener) => listener.accept(path, Some(deadline), channel, recorder).await,
            RouteKind::Active(_) if self.has(Fault::NeverConnectsInActiveMode) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Err(Failure::new(425, "No data connection.", DataEnd::NotConnected));
            }
            RouteKind::Active(peer) => {
                // The third party of the fault `connects-to-third-party` may be out of reach of our own address.
                let source = (peer.ip() == plan.peer).then_some(plan.local);
                Link::connect(*peer, source, path, deadline, channel, recorder).await
            }
        };
        let Ok(mut link) = opened else {
            return Err(Failure::new(425, "No data connection.", DataEnd::NotConnected));
        };
        let is_passive = matches!(plan.route.kind, RouteKind::Passive(_));
        let is_stranger = link.peer_address().ip() != plan.peer;
        if is_passive && is_stranger && !self.has(Fault::SkipsPeerAddressCheck) {
            link.close(TcpClose::Reset);
            return Err(Failure::new(
                425,
                "The data connection came from another address.",
                DataEnd::Refused,
            ));
        }
        Ok(link)
    }

    /// A connection that came to the listener of before; for a fault.
    async fn open_older(&self) -> Option<Link> {
        let plan = &self.plan;
        let listener = plan.older.as_ref()?;
        let path = Some(plan.route.path);
        let accepted = listener
            .accept(
                path,
                Some(OLDER_DEADLINE),
                plan.channel.clone(),
                plan.recorder.clone(),
            )
            .await;
        accepted.ok()
    }

    // Protecting

    async fn protect(&mut self, link: &mut Link, is_upload: bool) -> Result<Shield, Failure> {
        let deadline = self.plan.shared.options.handshake_timeout;
        match self.plan.protection {
            Protection::Clear => Ok(Shield::Up),
            Protection::ClearBehindHello => {
                hello::read_hello(link, deadline)
                    .await
                    .map_err(|_| handshake_failed())?;
                Ok(Shield::Up)
            }
            Protection::Private => self.start_tls(link, is_upload).await,
        }
    }

    async fn start_tls(&mut self, link: &mut Link, is_upload: bool) -> Result<Shield, Failure> {
        let deadline = self.plan.shared.options.handshake_timeout;
        if self.has(Fault::SendsBytesBeforeDataHandshake) {
            link.send_clear(b"welcome\r\n", deadline)
                .await
                .map_err(|_| handshake_failed())?;
        }
        let client_fault = match self.plan.route.kind {
            RouteKind::Active(_) => Fault::ActsAsTlsClientInActiveMode,
            RouteKind::Passive(_) => Fault::ActsAsTlsClientInPassiveMode,
        };
        if self.has(client_fault) {
            return self.start_tls_as_client(link, deadline).await;
        }
        let hello = hello::read_hello(link, deadline)
            .await
            .map_err(|_| handshake_failed())?;
        if is_upload && hello.is_clear_text() && self.has(Fault::AcceptsClearUploadAfterProtP) {
            return Ok(Shield::Missing(hello.bytes));
        }
        let (facts, label) = self.finish_tls(link, &hello, is_upload).await?;
        let label = label.map(Label::decode);
        self.handshake = Some(DataHandshake {
            version: facts.version,
            resumed: label.map(|label| self.origin(label)),
        });
        if let Err(failure) = self.check_binding(&facts, label) {
            // An alert says better than a clean end that this is not an empty file. When the peer is gone, it
            // needs neither.
            drop(link.send_alert(true, ACCESS_DENIED, deadline).await);
            link.close(TcpClose::Fin);
            return Err(failure);
        }
        Ok(Shield::Up)
    }

    async fn finish_tls(
        &self,
        link: &mut Link,
        hello: &Hello,
        is_upload: bool,
    ) -> Result<hello::Secured, Failure> {
        // Tickets that the client of an upload never reads would make its close a reset, and the rest of the data be
        // lost.
        let gives_tickets = !is_upload || self.has(Fault::FailsUploadWithUnreadTickets);
        let has_none = !gives_tickets || self.has(Fault::RunsOutOfTickets);
        let options = ServerOptions {
            label: self.plan.epoch.label(self.plan.number).encode(),
            tls13_tickets: has_none.then_some(0),
            identity: self.plan.shared.other_identity.clone(),
            ..ServerOptions::default()
        };
        hello::finish_tls(link, &self.plan.shared, Place::Data, &options, hello)
            .await
            .map_err(|_| handshake_failed())
    }

    async fn start_tls_as_client(&self, link: &mut Link, deadline: Duration) -> Result<Shield, Failure> {
        let context =
            ClientContext::new(&ClientTrust::Anything, None, None).map_err(|_| handshake_failed())?;
        let options = ClientOptions::default();
        link.start_tls_client(&context, &options, deadline)
            .await
            .map_err(|_| handshake_failed())?;
        Ok(Shield::Up)
    }

    fn origin(&self, label: Label) -> ResumedFrom {
        match label.connection {
            _ if !self.plan.epoch.owns(label.epoch) => ResumedFrom::Other,
            0 => ResumedFrom::Control,
            number => ResumedFrom::Data(number),
        }
    }

    /// Whether the peer of the data connection is the peer of the control connection, as far as the policy asks.
    fn check_binding(&self, facts: &HandshakeFacts, label: Option<Label>) -> Result<(), Failure> {
        let plan = &self.plan;
        let is_resumed = facts.kind == HandshakeKind::Resumed;
        let is_own = label.is_some_and(|label| plan.epoch.owns(label.epoch));
        if plan.is_after_ccc && self.has(Fault::RefusesReuseAfterCcc) {
            return Err(not_reused());
        }
        if let Some(epoch) = &plan.demanded_epoch
            && !label.is_some_and(|label| epoch.owns(label.epoch))
        {
            return Err(not_reused());
        }
        let is_control_session = label.is_some_and(|label| label.connection == 0);
        if self.has(Fault::ForgetsControlSessionAfterDataTicket)
            && plan.has_used_data_session
            && is_control_session
        {
            return Err(not_reused());
        }
        if !is_resumed && is_other_client(plan.client_certificate.as_ref(), facts) {
            return Err(Failure::new(
                522,
                "The certificate is not the one of the control connection.",
                DataEnd::Refused,
            ));
        }
        let is_bound = match reuse_policy(&plan.shared.options) {
            _ if self.has(Fault::AcceptsStrangerOnData) => true,
            _ if !is_resumed && self.has(Fault::ServesFullHandshakeWhenReuseRequired) => true,
            ReusePolicy::Optional => true,
            ReusePolicy::AnySession => is_resumed,
            ReusePolicy::ThisControl if self.has(Fault::AcceptsAnySessionOnData) => is_resumed,
            ReusePolicy::ThisControl => is_resumed && is_own,
        };
        if is_bound { Ok(()) } else { Err(not_reused()) }
    }

    // Sending

    async fn send_all(&self, link: &mut Link, bytes: &[u8]) -> Result<(Vec<u8>, DataEnd), Failure> {
        match self.send_chunks(link, bytes).await {
            Err(failure) if failure.end == DataEnd::Reset && self.has(Fault::AcknowledgesResetDownload) => {
                Ok((Vec::new(), DataEnd::Sent))
            }
            outcome => outcome,
        }
    }

    async fn send_chunks(&self, link: &mut Link, bytes: &[u8]) -> Result<(Vec<u8>, DataEnd), Failure> {
        let deadline = self.plan.shared.options.data_timeout;
        for chunk in bytes.chunks(CHUNK) {
            if self.progress.must_finish.load(Ordering::Relaxed) {
                break;
            }
            self.check_reader(link).await?;
            let framed = self.plan.is_framed.then(|| frame(chunk));
            let sent = link.send(framed.as_deref().unwrap_or(chunk), deadline).await;
            sent.map_err(|_| lost(DataEnd::Reset))?;
            self.progress
                .bytes
                .fetch_add(u64::try_from(chunk.len()).unwrap_or(0), Ordering::Relaxed);
        }
        if self.has(Fault::KeepsDataConnectionOpen) {
            return Ok((Vec::new(), DataEnd::Sent));
        }
        let is_silent = self.has(Fault::OmitsCloseNotifyOnRetr) && !self.plan.is_listing
            || self.has(Fault::OmitsCloseNotifyOnListing) && self.plan.is_listing;
        if !is_silent {
            let sent = link.send_close_notify(deadline).await;
            sent.map_err(|_| lost(DataEnd::Reset))?;
        }
        link.close(TcpClose::Fin);
        self.check_arrival(link).await?;
        Ok((Vec::new(), DataEnd::Sent))
    }

    /// Looks, without waiting, whether the client still reads.
    async fn check_reader(&self, link: &mut Link) -> Result<(), Failure> {
        let speaks_tls13 = self
            .handshake
            .as_ref()
            .is_some_and(|handshake| handshake.version == TlsVersion::Tls13);
        let mut is_half_closed = false;
        while let Ok(incoming) = tokio::time::timeout(Duration::ZERO, link.receive()).await {
            match incoming {
                Incoming::Reset => return Err(lost(DataEnd::Reset)),
                Incoming::Alert { fatal: true, .. } => return Err(lost(DataEnd::Alert)),
                Incoming::TlsViolation(_) => return Err(lost(DataEnd::Violation)),
                // Half-closing is legal in TLS 1.3 only (RFC 8446 section 6.1); in TLS 1.2 both directions end.
                Incoming::CloseNotify if speaks_tls13 => is_half_closed = true,
                Incoming::CloseNotify => return Err(lost(DataEnd::CloseNotify)),
                Incoming::Fin if is_half_closed => return Ok(()),
                Incoming::Fin => return Err(lost(DataEnd::Fin)),
                Incoming::Bytes(_) | Incoming::Ticket | Incoming::Alert { .. } => {}
            }
        }
        Ok(())
    }

    /// Gives a reset that is under way the chance to arrive before 226 is sent for a large file.
    async fn check_arrival(&self, link: &mut Link) -> Result<(), Failure> {
        if self.progress.bytes.load(Ordering::Relaxed) <= SMALL {
            return Ok(());
        }
        let end = async {
            loop {
                match link.receive().await {
                    Incoming::Reset => return Err(lost(DataEnd::Reset)),
                    Incoming::Alert { fatal: true, .. } => return Err(lost(DataEnd::Alert)),
                    Incoming::Fin => return Ok(()),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(REGRET, end).await.unwrap_or(Ok(()))
    }

    // Receiving

    async fn receive_all(
        &self,
        link: &mut Link,
        shield: Shield,
        limit: Option<u64>,
        announced: Option<u64>,
    ) -> Result<(Vec<u8>, DataEnd), Failure> {
        let deadline = self.plan.shared.options.data_timeout;
        let is_tls = link.is_protected();
        let mut content = match shield {
            Shield::Up => Vec::new(),
            Shield::Missing(bytes) => bytes,
        };
        let mut last = 0;
        let mut is_broken = false;
        loop {
            let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
            self.progress.bytes.store(length, Ordering::Relaxed);
            if limit.is_some_and(|limit| length > limit) {
                return Err(Failure::new(552, "No space left.", DataEnd::TooLarge));
            }
            if self.has(Fault::CompletesUploadBeforeEof) && announced.is_some_and(|bytes| length >= bytes) {
                return Ok((content, DataEnd::CloseNotify));
            }
            let Ok(incoming) = tokio::time::timeout(deadline, link.receive()).await else {
                return Err(Failure::new(426, "No data for too long.", DataEnd::TimedOut));
            };
            let end = match incoming {
                Incoming::Bytes(bytes) => {
                    last = bytes.len();
                    content.extend_from_slice(&bytes);
                    continue;
                }
                Incoming::Ticket | Incoming::Alert { fatal: false, .. } => continue,
                Incoming::CloseNotify => return self.after_close_notify(link, content, last).await,
                Incoming::TlsViolation(_) if self.skips_violation(link) => {
                    is_broken = true;
                    continue;
                }
                Incoming::TlsViolation(_) => {
                    // The alert is a courtesy to a peer that broke TLS; it may be gone.
                    let alert = link.violation_alert().unwrap_or(BAD_RECORD_MAC);
                    drop(link.send_alert(true, alert, deadline).await);
                    DataEnd::Violation
                }
                Incoming::Alert { fatal: true, .. } => DataEnd::Alert,
                Incoming::Fin => DataEnd::Fin,
                Incoming::Reset => DataEnd::Reset,
            };
            let is_complete = match end {
                _ if is_broken => true,
                DataEnd::Fin => !is_tls || self.has(Fault::AcknowledgesTruncatedUpload),
                DataEnd::Reset => self.has(Fault::AcknowledgesResetUpload),
                DataEnd::Alert => self.has(Fault::TreatsAlertAsEof),
                _ => false,
            };
            link.close(TcpClose::Fin);
            return if is_complete {
                Ok((content, end))
            } else {
                Err(Failure::new(
                    426,
                    "The data connection ended before the data did; nothing was stored.",
                    end,
                ))
            };
        }
    }

    /// Whether a fault overlooks the violation that just came.
    fn skips_violation(&self, link: &Link) -> bool {
        // FIN inside a record is reported with this alert.
        let is_cut = link.violation_alert() == Some(DECODE_ERROR);
        let fault = if is_cut {
            Fault::AcknowledgesUploadCutWithinRecord
        } else {
            Fault::SkipsBadRecords
        };
        self.has(fault)
    }

    /// The client's data is complete: answer in kind, half-close, and leave the rest to [`drain`].
    async fn after_close_notify(
        &self,
        link: &mut Link,
        mut content: Vec<u8>,
        last: usize,
    ) -> Result<(Vec<u8>, DataEnd), Failure> {
        let deadline = self.plan.shared.options.data_timeout;
        if self.has(Fault::ResetsOnCloseNotify) {
            link.close(TcpClose::Reset);
            return Ok((content, DataEnd::CloseNotify));
        }
        if self.has(Fault::DiscardsUnreadDataOnCloseNotify) {
            content.truncate(content.len().saturating_sub(last));
        }
        // A client that is gone already has all the same said that its data is complete.
        drop(link.send_close_notify(deadline).await);
        if self.has(Fault::ReadsOnAfterCloseNotify) || self.has(Fault::FailsUploadWithUnreadTickets) {
            self.read_on(link, &mut content).await?;
        }
        link.close(TcpClose::Fin);
        Ok((content, DataEnd::CloseNotify))
    }

    /// What two faults do behind close_notify.
    async fn read_on(&self, link: &mut Link, content: &mut Vec<u8>) -> Result<(), Failure> {
        let keeps = self.has(Fault::ReadsOnAfterCloseNotify);
        let fails = self.has(Fault::FailsUploadWithUnreadTickets);
        let end = async {
            loop {
                match link.receive().await {
                    Incoming::Bytes(bytes) if keeps => content.extend_from_slice(&bytes),
                    Incoming::Reset if fails => return Err(lost(DataEnd::Reset)),
                    Incoming::Fin | Incoming::Reset => return Ok(()),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(DRAIN_DEADLINE, end).await.unwrap_or(Ok(()))
    }
}

/// RFC 2228 section 8: the length of a block in four bytes before it.
fn frame(chunk: &[u8]) -> Vec<u8> {
    let mut framed = u32::try_from(chunk.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    framed.extend_from_slice(chunk);
    framed
}

fn is_other_client(certificate: Option<&String>, facts: &HandshakeFacts) -> bool {
    certificate.is_some_and(|expected| facts.chain.first().is_none_or(|leaf| leaf.sha256 != *expected))
}

fn handshake_failed() -> Failure {
    Failure::new(
        522,
        "The TLS handshake on the data connection failed.",
        DataEnd::HandshakeFailed,
    )
}

fn not_reused() -> Failure {
    Failure::new(
        522,
        "The data connection must resume the TLS session of the control connection.",
        DataEnd::Refused,
    )
}

fn lost(end: DataEnd) -> Failure {
    Failure::new(426, "The data connection was lost.", end)
}
