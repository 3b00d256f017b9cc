//! The engine: the named sessions of a case, one call per action and per kind of wait.
//!
//! Acts and records, never decides.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::examine::{Found, examiner_of, in_words};
use super::open::endpoint_of;
use super::session::{Session, Shared};
use super::settings::{Settings, Timeouts};
use super::wait::{Watch, Woke};
use crate::scenario::model::{Action, ChannelRef};
use crate::trace::{ActionProblem, Channel, EventKind, Recorder, TransferSummary, Waited};
use crate::wire::Reply;

/// How long a polite end may take.
const FINISH: Duration = Duration::from_millis(500);

/// What a composite action does with the final reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalReply {
    /// Takes it; a negative one is the problem `unexpected-reply`.
    Take,
    /// Leaves it to the step's `reply` check.
    Leave,
}

/// Which reply a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedReply {
    /// The next one.
    Next,
    /// The next one that is not the preliminary reply of a transfer.
    Final,
}

/// A reply as a step sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The reply.
    pub reply: Reply,
    /// The address it names, of a 227 or 229.
    pub endpoint: Option<SocketAddr>,
}

/// The sessions of one case.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    sessions: BTreeMap<String, Session>,
}

impl Engine {
    /// An engine without a session; they come about when an action names them.
    #[must_use]
    pub fn new(settings: Settings, recorder: Recorder) -> Self {
        Self {
            shared: Arc::new(Shared::new(settings, recorder)),
            sessions: BTreeMap::new(),
        }
    }

    /// The deadlines.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.shared.timeouts()
    }

    /// Shortens every deadline to `limit` at most, from now on; none lifts the limit.
    pub fn limit_timeouts(&self, limit: Option<Duration>) {
        self.shared.limit_timeouts(limit);
    }

    /// Whether `session` has a control connection that the target has not ended.
    #[must_use]
    pub fn is_connected(&self, session: &str) -> bool {
        let control = self
            .sessions
            .get(session)
            .and_then(|session| session.control.as_ref());
        control.is_some_and(|control| control.end().is_none())
    }

    /// Does `action` (variables filled in) on `session`. `final_reply` says what the composite transfers do with the
    /// final reply.
    ///
    /// # Errors
    /// Why it could not be done. What happened is in the trace.
    pub async fn act(
        &mut self,
        session: &str,
        action: &Action,
        final_reply: FinalReply,
    ) -> Result<(), ActionProblem> {
        if let Action::ExamineFile(path) = action {
            self.examine_file(session, &path.value).await;
            return Ok(());
        }
        let session = self.session(session);
        match action {
            Action::Reach(reach) => session.reach(reach).await,
            Action::ProvideFile(provide) => session.provide_file(provide).await,
            Action::Store(store) => session.store_file(store, final_reply).await,
            Action::Retrieve(retrieve) => session.retrieve(retrieve, final_reply).await,
            Action::List(list) => session.list(list, final_reply).await,
            Action::Connect(connect) => session.connect(connect).await,
            Action::Send(line) => session.send_line(&line.value).await,
            Action::SendRaw(raw) => session.send_raw(raw).await,
            Action::StartTls(start) => session.start_tls(start.channel, &start.tls).await,
            Action::StopTls(channel) => session.stop_tls(*channel).await,
            Action::ProbeTls(probe) => session.probe_tls(probe).await,
            Action::SendRecord(record) => session.send_record(record).await,
            Action::OpenData(open) => session.open_data(open).await,
            Action::ConnectData(connect) => session.connect_data(connect).await,
            Action::ReadData(read) => session.read_data(read).await,
            Action::WriteData(write) => session.write_data(write).await,
            Action::CloseData(close) => session.close_data(close).await,
            Action::CloseControl(close) => session.close_control(close).await,
            Action::Wait(time) => {
                session.wait(time.value).await;
                Ok(())
            }
            // Done above: it takes another session.
            Action::ExamineFile(_) => Ok(()),
        }
    }

    /// Looks at a file of the target on behalf of `session` and records `FileExamined` on its control channel.
    pub async fn examine_file(&mut self, session: &str, path: &str) {
        let like = self.session(session).like_this();
        let examiner = self.session(examiner_of(like.account));
        let mut found = match examiner.reach(&like).await {
            Ok(()) => examiner.look_at(path).await,
            Err(problem) => Found::Unknown(in_words(&problem)),
        };
        let session = self.session(session);
        if matches!(found, Found::Unknown(_)) && session.is_idle() {
            found = session.look_at(path).await;
        }
        session.record_found(path, found);
    }

    /// Takes the `wanted` reply of `session`.
    ///
    /// # Errors
    /// Timed out, or the control connection is not there or has ended.
    pub async fn await_reply(
        &mut self,
        session: &str,
        wanted: WantedReply,
        within: Duration,
    ) -> Result<Seen, ActionProblem> {
        let session = self.session(session);
        let received = match wanted {
            WantedReply::Next => session.await_reply(within).await?,
            WantedReply::Final => session.await_final_reply(within).await?,
        };
        let peer = session.control()?.link.peer_address();
        let endpoint = match received.code().value() {
            227 | 229 => endpoint_of(&received, peer).ok(),
            _ => None,
        };
        Ok(Seen {
            reply: received.reply,
            endpoint,
        })
    }

    /// The last reply of `session` that was taken.
    #[must_use]
    pub fn last_taken(&self, session: &str) -> Option<Seen> {
        let session = self.sessions.get(session)?;
        let control = session.control.as_ref()?;
        let received = control.last_taken()?;
        let endpoint = match received.code().value() {
            227 | 229 => endpoint_of(received, control.link.peer_address()).ok(),
            _ => None,
        };
        Some(Seen {
            reply: received.reply.clone(),
            endpoint,
        })
    }

    /// Waits until the target's end of a connection of `session` has been seen; records `TimedOut` when it has not.
    pub async fn await_close(&mut self, session: &str, channel: ChannelRef, within: Duration) {
        let session = self.session(session);
        let is_there = channel == ChannelRef::Control || session.data.is_some();
        if is_there && !session.await_end(channel, within).await {
            let event = EventKind::TimedOut {
                waited: Waited::Close,
                seconds: within.as_secs_f64(),
            };
            let channel = channel_of(session, channel);
            session.recorder().record(&channel, event);
        }
    }

    /// Waits for silence on a connection of `session`: `StayedSilent` is recorded when nothing arrives, and else the wait
    /// ends with what arrived. A connection that has ended, or a reply that nobody has taken, is no silence.
    pub async fn await_silence(&mut self, session: &str, channel: ChannelRef, within: Duration) {
        let session = self.session(session);
        let until = Instant::now() + within;
        let before = session.arrivals(channel);
        loop {
            let now = session.arrivals(channel);
            if now.is_none() || now != before || session.has_untaken(channel) {
                return;
            }
            match session.pump(Watch::All, until).await {
                Woke::Control | Woke::Data => {}
                Woke::Deadline => break,
                Woke::Idle => {
                    tokio::time::sleep_until(until).await;
                    break;
                }
            }
        }
        let event = EventKind::StayedSilent {
            seconds: within.as_secs_f64(),
        };
        let channel = channel_of(session, channel);
        session.recorder().record(&channel, event);
    }

    /// Reads on until `count` tickets have arrived on a connection of `session`, at most for `within`.
    pub async fn await_tickets(&mut self, session: &str, channel: ChannelRef, count: u32, within: Duration) {
        let session = self.session(session);
        let until = Instant::now() + within;
        let channel = channel_of(session, channel);
        while tickets_on(session.recorder(), &channel) < count {
            if !matches!(session.pump(Watch::All, until).await, Woke::Control | Woke::Data) {
                return;
            }
        }
    }

    /// The channel of a connection of `session`; the control channel while it has no data connection.
    #[must_use]
    pub fn channel(&self, session: &str, channel: ChannelRef) -> Channel {
        match self.sessions.get(session) {
            Some(session) => channel_of(session, channel),
            None => Channel::control(session),
        }
    }

    /// Whether a reply of `session` waits to be taken, or a command of it waits for its reply.
    #[must_use]
    pub fn owes_reply(&self, session: &str) -> bool {
        let control = self
            .sessions
            .get(session)
            .and_then(|session| session.control.as_ref());
        control.is_some_and(|control| control.progress.is_waiting() || control.next_reply().is_some())
    }

    /// The sums over the current data connection of `session`.
    #[must_use]
    pub fn transfer_summary(&self, session: &str) -> Option<TransferSummary> {
        let data = self.sessions.get(session)?.data.as_ref()?;
        Some(data.summary(&self.shared.recorder))
    }

    /// Ends every session quietly. A later action connects anew.
    pub async fn finish(&mut self) {
        for session in self.sessions.values_mut() {
            session.finish(FINISH).await;
        }
    }

    fn session(&mut self, name: &str) -> &mut Session {
        let shared = &self.shared;
        self.sessions
            .entry(name.to_owned())
            .or_insert_with(|| Session::new(name, Arc::clone(shared)))
    }
}

fn channel_of(session: &Session, channel: ChannelRef) -> Channel {
    match (channel, &session.data) {
        (ChannelRef::Data, Some(data)) => data.channel.clone(),
        _ => session.control_channel(),
    }
}

fn tickets_on(recorder: &Recorder, channel: &Channel) -> u32 {
    let events = recorder.events();
    let tickets = events.iter().filter(|event| {
        event.channel.as_ref() == Some(channel) && matches!(event.kind, EventKind::TicketReceived(_))
    });
    u32::try_from(tickets.count()).unwrap_or(u32::MAX)
}
