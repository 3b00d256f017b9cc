//! Opens a data connection, protects it, checks whose it is, and lets the payload move.
//!
//! RFC 959 section 5.2, RFC 4217 sections 7 and 10.2; RFC 2577 section 8 (peer address). The server is the TLS server
//! whoever opened the connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::plan::{Failure, Outcome, Payload, Plan, Progress, Protection, RouteKind};
use crate::mock::hello::{self, Hello, Place};
use crate::mock::observation::{DataEnd, DataHandshake, ResumedFrom};
use crate::mock::server::reuse_policy;
use crate::mock::session::Label;
use crate::mock::{Fault, Habit, ReusePolicy};
use crate::tls::{ClientContext, ClientOptions, ClientTrust, ServerOptions};
use crate::trace::{HandshakeFacts, HandshakeKind};
use crate::transport::{Link, TcpClose};

/// How long a fault waits for a connection to the listener of before.
const OLDER_DEADLINE: Duration = Duration::from_millis(500);
/// Alert `access_denied`, RFC 8446 section 6.2.
const ACCESS_DENIED: u8 = 49;

/// What stands between the TCP connection and the payload.
pub(super) enum Shield {
    /// TLS, or nothing where nothing is due.
    Up,
    /// Clear text where TLS is due, with what was read of it; for a fault.
    Missing(Vec<u8>),
}

/// Opens the data connection, protects it, and moves the payload. Dropping the future closes the connection without
/// close_notify.
pub(in crate::mock) async fn carry(plan: Plan, payload: Payload, progress: Arc<Progress>) -> Outcome {
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

/// A data connection at work.
pub(super) struct Carrier {
    pub(super) plan: Plan,
    pub(super) progress: Arc<Progress>,
    pub(super) handshake: Option<DataHandshake>,
}

type Carried = (Result<Vec<u8>, Failure>, DataEnd, Option<Link>);

impl Carrier {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.plan.shared.has(fault)
    }

    /// Whether our end of the connection is left to [`super::close`], behind the final reply.
    pub(super) fn ends_late(&self) -> bool {
        self.plan.shared.does(Habit::CompletesBeforeClose)
    }

    async fn run(&mut self, payload: Payload) -> Carried {
        let mut link = match self.open().await {
            Ok(link) => link,
            Err(failure) => return (Err(failure.clone()), failure.end, None),
        };
        self.progress.connected.notify_one();
        let is_upload = matches!(payload, Payload::Upload { .. });
        let moved = match self.protect(&mut link, is_upload).await {
            Err(failure) => Err(failure),
            Ok(shield) => {
                self.progress.opened.notify_one();
                match payload {
                    Payload::Download(bytes) => {
                        let sent = self.send_all(&mut link, &bytes).await;
                        if self.has(Fault::ServesEveryDataConnection) {
                            self.serve_another(&bytes).await;
                        }
                        sent
                    }
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
                let source = (peer.ip() == plan.peer).then(|| self.source());
                Link::connect_from(*peer, source, path, deadline, channel, recorder).await
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

    /// Where an active data connection comes from (RFC 1123 section 4.1.2.12, RFC 959 section 5.2).
    fn source(&self) -> SocketAddr {
        let kept = self.plan.shared.source.as_ref();
        let port = kept.map_or(0, |source| source.local_address().port());
        match self.plan.local {
            IpAddr::V4(_) if self.has(Fault::ConnectsFromAnotherAddress) => {
                SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), 0))
            }
            local if self.has(Fault::ConnectsFromAnyPort) => SocketAddr::new(local, 0),
            local => SocketAddr::new(local, port),
        }
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

    /// The same download once more, for whoever else has connected; for a fault.
    async fn serve_another(&mut self, bytes: &[u8]) {
        let plan = &self.plan;
        let RouteKind::Passive(listener) = &plan.route.kind else {
            return;
        };
        let (channel, recorder) = (plan.channel.clone(), plan.recorder.clone());
        let accepted = listener
            .accept(Some(plan.route.path), Some(OLDER_DEADLINE), channel, recorder)
            .await;
        if let Ok(mut link) = accepted
            && self.protect(&mut link, false).await.is_ok()
        {
            // How it ends does not matter: it should not have begun.
            drop(self.send_all(&mut link, bytes).await);
        }
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
        let patience = hello::hello_deadline(&self.plan.shared, Fault::WaitsForEverOnData);
        let hello = match hello::read_hello(link, patience).await {
            Ok(hello) => hello,
            Err(_) if !is_upload && self.has(Fault::FallsBackToClearData) => return Ok(Shield::Up),
            Err(_) => return Err(handshake_failed()),
        };
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
        let tickets = self.tickets(is_upload);
        let options = ServerOptions {
            label: self.plan.epoch.label(self.plan.number).encode(),
            tls13_tickets: tickets,
            identity: (self.plan.shared.other_identity.clone()).or_else(|| self.plan.identity.clone()),
            alpn: self.has(Fault::ServesBrowsersOnData).then(Vec::new),
            ..ServerOptions::default()
        };
        hello::finish_tls(link, &self.plan.shared, Place::Data, &options, hello)
            .await
            .map_err(|_| handshake_failed())
    }

    /// How many TLS 1.3 tickets this connection gets, when not the usual number.
    ///
    /// Uploads get none: curl and lftp close without reading them, the close becomes a reset, and the rest of the data is
    /// lost. The price: a client that uses a ticket once only (OpenSSL's do) has none left behind an upload, and where
    /// reuse is demanded it has to log in again.
    fn tickets(&self, is_upload: bool) -> Option<usize> {
        let has_none = is_upload && !self.has(Fault::FailsUploadWithUnreadTickets);
        (has_none || self.has(Fault::RunsOutOfTickets)).then_some(0)
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
        let tolerated = if facts.chain.is_empty() {
            Fault::IgnoresMissingClientCertificate
        } else {
            Fault::IgnoresOtherClientCertificate
        };
        let is_stranger = !is_resumed && is_other_client(plan.client_certificate.as_ref(), facts);
        if is_stranger && !self.has(tolerated) {
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

pub(super) fn lost(end: DataEnd) -> Failure {
    Failure::new(426, "The data connection was lost.", end)
}
