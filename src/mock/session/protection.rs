//! TLS on the control connection: its start, its end, and the end of the connection.
//!
//! RFC 4217 sections 4, 5 and 13; RFC 8446 section 6.1 (close_notify).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Access, Control, Ended, Epoch, Label, Session, Step};
use crate::mock::Fault;
use crate::mock::hello::{self, Hello, Place};
use crate::tls::{Identity, ServerOptions};
use crate::trace::{HandshakeFacts, HandshakeFailure};
use crate::transport::{Incoming, TcpClose};

/// How long the end of a connection is waited for after our own.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(2);

impl Session {
    /// Becomes the TLS server of the control connection, and starts a new epoch.
    pub(in crate::mock) async fn start_tls(&mut self) -> Result<(), HandshakeFailure> {
        self.finish_tls(None).await
    }

    /// As [`Self::start_tls`]; `first` is the ClientHello when it was read already.
    pub(super) async fn finish_tls(&mut self, first: Option<&Hello>) -> Result<(), HandshakeFailure> {
        let number = self.shared.next_epoch();
        let mut epoch = Epoch {
            own: Some(number),
            resumed: None,
        };
        self.identity = self.host_identity();
        let options = ServerOptions {
            label: epoch.label(0).encode(),
            identity: self.identity.clone(),
            ..ServerOptions::default()
        };
        let shared = Arc::clone(&self.shared);
        let _turn = if self.has(Fault::MakesOneHandshakeAtATime) {
            Some(shared.turn.lock().await)
        } else {
            None
        };
        let place = if self.is_auth_ssl {
            Place::ControlBehindAuthSsl
        } else {
            Place::Control
        };
        let link = &mut self.link;
        let (facts, label) = match first {
            Some(first) => hello::finish_tls(link, &self.shared, place, &options, first).await?,
            None => hello::accept_tls(link, &self.shared, place, &options).await?,
        };
        epoch.resumed = label.map(|label| Label::decode(label).epoch);
        self.control = Control::Protected;
        self.note_facts(facts);
        if self.has(Fault::RestoresLoginFromSession)
            && let Some(user) = epoch
                .resumed
                .and_then(|epoch| self.shared.remembered_login(epoch))
        {
            self.access = Access::LoggedIn(user);
        }
        self.epoch = epoch;
        Ok(())
    }

    /// The certificate of the host that HOST chose, when that is not the usual one (RFC 7151 section 4).
    fn host_identity(&self) -> Option<Identity> {
        let (name, identity) = self.shared.options.second_host.as_ref()?;
        let chosen = self.settings.host.as_ref()?;
        let is_chosen =
            chosen.eq_ignore_ascii_case(name) && !self.has(Fault::ShowsOneCertificateForEveryHost);
        is_chosen.then(|| identity.clone())
    }

    fn note_facts(&mut self, facts: HandshakeFacts) {
        self.sni = facts.sni.filter(|name| name.parse::<IpAddr>().is_err());
        self.client_certificate = facts.chain.into_iter().next().map(|leaf| leaf.sha256);
    }

    /// Notes the login under the session, for the fault `restores-login-from-session`.
    pub(in crate::mock) fn remember_login(&self) {
        if let (Some(epoch), Access::LoggedIn(user)) = (self.epoch.own, &self.access)
            && self.has(Fault::RestoresLoginFromSession)
        {
            self.shared.remember_login(epoch, user);
        }
    }

    /// Ends TLS in both directions and goes on in clear (REIN and CCC). What the client had sent under TLS before its
    /// close_notify is kept as commands.
    pub(in crate::mock) async fn stop_tls(&mut self) -> Step {
        let deadline = self.shared.options.handshake_timeout;
        self.link
            .send_close_notify(deadline)
            .await
            .map_err(|_| Ended::ByPeer)?;
        let wait = async {
            loop {
                match self.link.receive().await {
                    Incoming::CloseNotify => return Ok(()),
                    other => {
                        if let Incoming::Bytes(bytes) = other {
                            self.parser.push(&bytes);
                        } else if !matches!(other, Incoming::Ticket | Incoming::Alert { fatal: false, .. }) {
                            return Err(Ended::ByPeer);
                        }
                    }
                }
            }
        };
        tokio::time::timeout(deadline, wait)
            .await
            .map_err(|_| Ended::ByPeer)??;
        self.link.stop_tls();
        Ok(())
    }

    /// Ends the connection: close_notify, FIN, and a short wait for the peer's end, so that the last reply is not lost
    /// to a reset.
    pub(super) async fn say_goodbye(&mut self, ended: Ended) {
        self.settings.route = None;
        let is_silent = self.has(Fault::OmitsCloseNotifyOnControl) && ended == Ended::ByServer;
        if !is_silent && self.link.send_close_notify(GOODBYE_DEADLINE).await.is_err() {
            return;
        }
        self.link.close(TcpClose::Fin);
        let end = async { while !matches!(self.link.receive().await, Incoming::Fin | Incoming::Reset) {} };
        // A peer that does not close in time is closed all the same, by the drop of the link.
        drop(tokio::time::timeout(GOODBYE_DEADLINE, end).await);
    }
}
