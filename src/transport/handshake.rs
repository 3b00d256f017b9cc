//! TLS handshakes on a link: moves bytes between the socket and `tls`, and records how it went.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::link::{Ended, Link, LinkErrorKind, Protection};
use crate::tls::{self, Connection, HandshakeStep};
use crate::trace::{EventKind, HandshakeFacts, HandshakeFailure};

/// Facts, and on the server side the label of the resumed session.
type Outcome = Result<(HandshakeFacts, Option<u64>), HandshakeFailure>;

impl Link {
    /// A TLS client handshake. Bytes that were received and not yet taken are given to TLS; `unread` (clear bytes that a
    /// parser above still holds) is put in front of them only when the caller wants that.
    /// Records `HandshakeStarted` and `HandshakeFinished` or `HandshakeFailed`.
    ///
    /// # Errors
    /// The failure, already recorded. The link stays usable for reading and closing; when the peer spoke clear text,
    /// that text is read next.
    pub async fn start_tls_client(
        &mut self,
        context: &tls::ClientContext,
        options: &tls::ClientOptions,
        deadline: Duration,
    ) -> Result<HandshakeFacts, HandshakeFailure> {
        let connection = context.connect(options, &self.channel);
        let offered = connection
            .as_ref()
            .ok()
            .and_then(|connection| connection.offered().map(str::to_owned));
        self.record(EventKind::HandshakeStarted { offered });
        let outcome = match connection {
            Ok(connection) => {
                self.run_handshake(connection, &[], Instant::now() + deadline)
                    .await
            }
            Err(error) => Err(self.cannot_start(error)),
        };
        self.conclude(outcome).map(|(facts, _)| facts)
    }

    /// A TLS server handshake; also gives the label of the resumed session's control connection.
    /// `first` are bytes that were read before (peeked at) and belong to the handshake.
    ///
    /// # Errors
    /// The failure, already recorded; our alert has been sent.
    pub async fn start_tls_server(
        &mut self,
        context: &tls::ServerContext,
        options: &tls::ServerOptions,
        first: &[u8],
        deadline: Duration,
    ) -> Result<(HandshakeFacts, Option<u64>), HandshakeFailure> {
        let connection = context.accept(options);
        self.record(EventKind::HandshakeStarted { offered: None });
        let outcome = match connection {
            Ok(connection) => {
                self.run_handshake(connection, first, Instant::now() + deadline)
                    .await
            }
            Err(error) => Err(self.cannot_start(error)),
        };
        self.conclude(outcome)
    }

    /// A set-up error is the harness's or the scenario's fault: the case must not be held against the peer.
    fn cannot_start(&self, error: tls::TlsSetupError) -> HandshakeFailure {
        let reason = format!("TLS cannot be set up: {}", error.reason);
        self.record(EventKind::HarnessFailed {
            reason: reason.clone(),
        });
        failure(&reason)
    }

    fn conclude(&mut self, outcome: Outcome) -> Outcome {
        match &outcome {
            Ok((facts, _)) => {
                self.record(EventKind::HandshakeFinished(facts.clone()));
                if let Protection::Tls(connection) = &mut self.protection {
                    let ticket = connection.take_handshake_ticket();
                    self.sessions.extend(connection.take_handshake_sessions());
                    if let Some(ticket) = ticket {
                        self.record(EventKind::TicketReceived(ticket));
                    }
                }
            }
            Err(failure) => self.record(EventKind::HandshakeFailed(failure.clone())),
        }
        outcome
    }

    async fn run_handshake(&mut self, mut connection: Connection, first: &[u8], end: Instant) -> Outcome {
        if self.is_protected() {
            return Err(failure("TLS is on already"));
        }
        self.close_notify_received = false;
        self.late_data_reported = false;
        let mut received = first.to_vec();
        if let Some(tap) = &self.tap {
            tap.starts_tls(&mut connection);
        }
        loop {
            // Before anything is sent, so that an early clear answer is not missed when the peer resets.
            received.append(&mut self.clear);
            let step = connection.handshake(&received);
            received.clear();
            self.outbox.extend(connection.take_output());
            match step {
                HandshakeStep::NeedsInput => {}
                HandshakeStep::Finished { facts, resumed_label } => {
                    if let Some(tap) = &mut self.tap {
                        tap.finished_handshake(self.outbox.len() - self.written, connection.unread());
                    }
                    // What the handshake left over is read by the connection itself.
                    self.protection = Protection::Tls(Box::new(connection));
                    return match self.flush(end).await {
                        Ok(()) => Ok((*facts, resumed_label)),
                        Err(error) if error.kind == LinkErrorKind::TimedOut => {
                            Err(failure("timed out while the end of the handshake was sent"))
                        }
                        // The peer may have refused us and gone; its alert, if any, is still to be read.
                        Err(_) => Ok((*facts, resumed_label)),
                    };
                }
                HandshakeStep::Failed(reason) => return Err(self.give_up(connection, reason, end).await),
            }
            if let Err(error) = self.flush(end).await
                && error.kind == LinkErrorKind::TimedOut
            {
                return Err(self.abandon(connection, "timed out during the handshake"));
            }
            match self.ended {
                Ended::No => {}
                Ended::Fin => {
                    return Err(
                        self.abandon(connection, "the peer closed the connection during the handshake")
                    );
                }
                Ended::Reset => {
                    if self.read_behind_reset() {
                        continue;
                    }
                    return Err(
                        self.abandon(connection, "the peer reset the connection during the handshake")
                    );
                }
            }
            if timeout_at(end, self.wait_and_read()).await.is_err() {
                return Err(self.abandon(connection, "timed out during the handshake"));
            }
        }
    }

    /// Our alert goes out as far as it can; what is left of the peer's bytes stays readable.
    async fn give_up(
        &mut self,
        mut connection: Connection,
        reason: HandshakeFailure,
        end: Instant,
    ) -> HandshakeFailure {
        if let Some(facts) = connection.take_sent_alert() {
            self.unrecorded.push(EventKind::AlertSent(facts));
        }
        // The handshake has failed already; that its alert could not be sent adds nothing.
        let _ = self.flush(end).await;
        self.keep_rest(connection);
        reason
    }

    fn abandon(&mut self, connection: Connection, reason: &str) -> HandshakeFailure {
        self.keep_rest(connection);
        failure(reason)
    }

    fn keep_rest(&mut self, mut connection: Connection) {
        let mut rest = connection.take_unread();
        rest.append(&mut self.clear);
        self.clear = rest;
        self.protection = Protection::Failed;
    }
}

fn failure(reason: &str) -> HandshakeFailure {
    HandshakeFailure {
        reason: reason.to_owned(),
        alert: None,
        plaintext: None,
    }
}
