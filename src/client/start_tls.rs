//! Starting and stopping TLS on the connections of a session: which session is offered, what is left over, and how
//! a handshake on the data connection is given up when the target has refused the transfer meanwhile.
//!
//! RFC 4217 sections 4, 7 and 10.1 to 10.2, RFC 7457 section 2.2. The handshake itself is the business of `transport`.

use std::net::IpAddr;
use std::time::Duration;

use super::data::DataTls;
use super::escapes::unescape;
use super::problem::{closed, not_allowed, not_connected, timed_out};
use super::session::Session;
use super::wait::{Alongside, Watch, Woke, alongside};
use crate::scenario::model::{ChannelRef, Resume, Tls12By, TlsChoice};
use crate::tls::{ClientOptions, Session as TlsSession, SessionStore, Tls12Resumption};
use crate::trace::{ActionProblem, EventKind, HandshakeFacts, HandshakeFailure, Waited};
use crate::wire::tls_record::group_by_name;
use tokio::time::Instant;

impl Session {
    /// `start-tls`.
    pub(super) async fn start_tls(
        &mut self,
        channel: ChannelRef,
        choice: &TlsChoice,
    ) -> Result<(), ActionProblem> {
        match channel {
            ChannelRef::Control => self.start_tls_on_control(choice).await,
            ChannelRef::Data => self.start_tls_on_data(choice).await,
        }
    }

    /// A handshake on the control connection.
    pub(super) async fn start_tls_on_control(&mut self, choice: &TlsChoice) -> Result<(), ActionProblem> {
        let resume = choice
            .resume
            .as_ref()
            .map_or(Resume::Never, |resume| resume.value.clone());
        let options = self.options(choice, &resume, ChannelRef::Control)?;
        let context = self.shared.context(certificate_of(choice))?;
        let within = self.timeouts().handshake;
        self.open_control()?;
        let Self {
            control: Some(control),
            store,
            shared,
            ..
        } = self
        else {
            return Err(not_connected("there is no control connection"));
        };
        // Nothing tells when a target that needs it is ready; for all others this is no time at all.
        tokio::time::sleep(shared.settings.timeouts.before_tls).await;
        control.drop_clear_leftover();
        let started = Instant::now();
        let outcome = control.link.start_tls_client(&context, &options, within).await;
        control.keep_sessions(store);
        let facts = outcome.map_err(|failure| failed(&failure, started, within))?;
        control.progress.note_tls();
        self.keep_group(&facts);
        Ok(())
    }

    /// A handshake on the current data connection.
    pub(super) async fn start_tls_on_data(&mut self, choice: &TlsChoice) -> Result<(), ActionProblem> {
        let resume = choice
            .resume
            .as_ref()
            .map_or(Resume::Control, |resume| resume.value.clone());
        let options = self.options(choice, &resume, ChannelRef::Data)?;
        let context = self.shared.context(certificate_of(choice))?;
        let within = self.timeouts().handshake;
        self.connect_listener().await?;
        let Self {
            control,
            data: Some(data),
            store,
            shared,
            ..
        } = self
        else {
            return Err(not_connected("there is no data connection"));
        };
        let Some(link) = data.link.as_mut() else {
            return Err(not_connected("the data connection is gone"));
        };
        let started = Instant::now();
        let handshake = link.start_tls_client(&context, &options, within);
        let outcome = alongside(control.as_mut(), store, handshake).await;
        data.start_tls(if matches!(outcome, Alongside::Done(Ok(_))) {
            DataTls::Started
        } else {
            DataTls::Failed
        });
        data.keep_sessions(store);
        let give_up = |reason: String| {
            let failure = HandshakeFailure {
                reason,
                alert: None,
                plaintext: None,
            };
            shared
                .recorder
                .record(&data.channel, EventKind::HandshakeFailed(failure));
        };
        match outcome {
            Alongside::Done(Ok(facts)) => {
                self.keep_group(&facts);
                Ok(())
            }
            Alongside::Done(Err(failure)) => Err(failed(&failure, started, within)),
            Alongside::Refused(code) => {
                give_up(format!("given up after reply {code} on the control connection"));
                Err(ActionProblem::RefusedByReply { code })
            }
            Alongside::ControlEnded(why) => {
                give_up(format!("given up because {why}"));
                Err(closed(why))
            }
        }
    }

    /// `stop-tls`: close_notify both ways, then clear text.
    pub(super) async fn stop_tls(&mut self, channel: ChannelRef) -> Result<(), ActionProblem> {
        let within = self.timeouts().close;
        match channel {
            ChannelRef::Control => {
                let control = self.open_control()?;
                if !control.link.is_protected() {
                    return Err(not_connected("TLS is not on"));
                }
                // Whether it can still be sent shows in what the target does next.
                let _ = control.link.send_close_notify(within).await;
            }
            ChannelRef::Data => {
                let Some(link) = self.data.as_mut().and_then(|data| data.link.as_mut()) else {
                    return Err(not_connected("there is no data connection"));
                };
                let _ = link.send_close_notify(within).await;
            }
        }
        let outcome = self.await_close_notify(channel, within).await;
        match channel {
            ChannelRef::Control => self.control()?.stop_tls(),
            ChannelRef::Data => {
                if let Some(data) = self.data.as_mut() {
                    data.stop_tls();
                }
            }
        }
        outcome
    }

    async fn await_close_notify(
        &mut self,
        channel: ChannelRef,
        within: Duration,
    ) -> Result<(), ActionProblem> {
        let until = Instant::now() + within;
        loop {
            let (seen, ended) = match channel {
                ChannelRef::Control => {
                    let control = self.control()?;
                    (control.close_notify, control.end())
                }
                ChannelRef::Data => self.data.as_ref().map_or((false, None), |data| {
                    (
                        data.close_notify,
                        data.end.map(|_| "the target ended the data connection"),
                    )
                }),
            };
            if seen {
                return Ok(());
            }
            if let Some(why) = ended {
                return Err(closed(why));
            }
            match self.pump(Watch::All, until).await {
                Woke::Control | Woke::Data => {}
                Woke::Deadline | Woke::Idle => return Err(timed_out(Waited::Close, within)),
            }
        }
    }

    fn keep_group(&mut self, facts: &HandshakeFacts) {
        if let Some(group) = facts.group.as_deref().and_then(group_by_name) {
            self.group = Some(group);
        }
    }

    fn options(
        &self,
        choice: &TlsChoice,
        resume: &Resume,
        channel: ChannelRef,
    ) -> Result<ClientOptions, ActionProblem> {
        let settings = &self.shared.settings;
        let versions = if choice.versions.is_empty() {
            settings.versions.clone()
        } else {
            choice.versions.iter().map(|version| version.value).collect()
        };
        let sni = choice.sni.as_ref().map(|sni| sni.value.as_str());
        let server_name = sni
            .filter(|name| *name != "none")
            .unwrap_or(&settings.server_name);
        Ok(ClientOptions {
            versions,
            server_name: server_name.to_owned(),
            // An address is no server name (RFC 6066 section 3).
            send_sni: sni != Some("none") && server_name.parse::<IpAddr>().is_err(),
            alpn: choice
                .alpn
                .iter()
                .map(|name| name.value.clone().into_bytes())
                .collect(),
            offer: self.offer(resume, channel)?,
            tls12: match choice.tls12_by {
                Some(Tls12By::Id) => Tls12Resumption::IdsOnly,
                Some(Tls12By::Ticket) | None => Tls12Resumption::TicketsOrIds,
            },
            group_hint: self.group,
            early_data: choice
                .early_data
                .as_ref()
                .map(|text| unescape(&text.value))
                .unwrap_or_default(),
        })
    }

    /// The TLS session to offer; none when there is none of that kind.
    pub(super) fn offer(
        &self,
        resume: &Resume,
        channel: ChannelRef,
    ) -> Result<Option<TlsSession>, ActionProblem> {
        let own = |pick: fn(&SessionStore) -> Option<TlsSession>| {
            let previous = self
                .previous_store
                .as_ref()
                .filter(|_| channel == ChannelRef::Control);
            pick(&self.store).or_else(|| previous.and_then(pick))
        };
        Ok(match resume {
            Resume::Never => None,
            Resume::Control => own(SessionStore::newest_of_control),
            Resume::ControlFirst => own(SessionStore::first_of_control),
            Resume::Data => {
                own(SessionStore::newest_of_data).or_else(|| own(SessionStore::newest_of_control))
            }
            Resume::Session(name) => {
                let store = self.shared.store_of(name);
                let store = store.ok_or_else(|| not_connected(&format!("there is no session `{name}`")))?;
                store.newest_of_control()
            }
            Resume::Forged => {
                let session = own(SessionStore::newest_of_control);
                let session = session.ok_or_else(|| not_allowed("there is no TLS session to alter"))?;
                let forged = session.forged();
                Some(forged.ok_or_else(|| not_allowed("the TLS session has no ticket that can be altered"))?)
            }
        })
    }
}

fn certificate_of(choice: &TlsChoice) -> Option<&str> {
    choice.certificate.as_ref().map(|name| name.value.as_str())
}

fn failed(failure: &HandshakeFailure, started: Instant, within: Duration) -> ActionProblem {
    let has_answer = failure.alert.is_some() || failure.plaintext.is_some();
    if !has_answer && started.elapsed() >= within {
        return timed_out(Waited::Handshake, within);
    }
    ActionProblem::HandshakeFailed {
        detail: failure.reason.clone(),
    }
}
