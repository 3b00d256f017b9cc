//! A named session: its control connection, its current data connection, and the TLS sessions they received.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clear_password::allow_in_clear;
use super::control::{Control, Received};
use super::data::Data;
use super::problem::{closed, not_allowed, not_connected};
use super::settings::{Settings, Timeouts};
use crate::scenario::model::ChannelRef;
use crate::tls::{ClientContext, SessionStore};
use crate::trace::{ActionProblem, Channel, Recorder};
use crate::transport::{Link, TcpClose};
use crate::wire::{ReplyClass, ReplyCode};

/// How many data connections that were replaced stay open, so that unread bytes cause no reset.
const RETIRED_LIMIT: usize = 8;

/// What the sessions of a case have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// Target and deadlines.
    pub(super) settings: Settings,
    /// Where facts go.
    pub(super) recorder: Recorder,
    /// TLS contexts by the name of the client certificate. Shared by all sessions, because only connections of one
    /// context can resume each other's TLS sessions.
    contexts: Mutex<BTreeMap<String, ClientContext>>,
    /// No deadline is longer than this.
    limit: Mutex<Option<Duration>>,
    /// The TLS sessions of every named session.
    stores: Mutex<BTreeMap<String, SessionStore>>,
}

impl Shared {
    pub(super) fn new(settings: Settings, recorder: Recorder) -> Self {
        Self {
            settings,
            recorder,
            contexts: Mutex::default(),
            limit: Mutex::default(),
            stores: Mutex::default(),
        }
    }

    /// Deadlines.
    pub(super) fn timeouts(&self) -> Timeouts {
        let limit = *self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        match limit {
            Some(limit) => self.settings.timeouts.at_most(limit),
            None => self.settings.timeouts,
        }
    }

    /// Shortens every deadline to `limit` at most, until told otherwise.
    pub(super) fn limit_timeouts(&self, limit: Option<Duration>) {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// The context for connections that show the certificate of recipe `certificate`: `none` shows none, and the
    /// profile's is shown when nothing is asked for.
    pub(super) fn context(&self, certificate: Option<&str>) -> Result<ClientContext, ActionProblem> {
        let name = certificate.unwrap_or_default();
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = contexts.get(name) {
            return Ok(context.clone());
        }
        let made = match (name, &self.settings.identities) {
            ("", _) => None,
            ("none", _) => None,
            (_, Some(source)) => Some(source(name).map_err(not_allowed)?),
            (_, None) => {
                return Err(not_allowed(format!(
                    "there is no certificate `{name}` for the client"
                )));
            }
        };
        let identity = if name.is_empty() {
            self.settings.identity.as_ref()
        } else {
            made.as_ref()
        };
        let key_log = self.settings.key_log.as_ref().map(Arc::clone);
        let context = ClientContext::new(&self.settings.trust, identity, key_log)
            .map_err(|error| not_allowed(error.reason))?;
        contexts.insert(name.to_owned(), context.clone());
        Ok(context)
    }

    /// The TLS sessions of the session called `name`.
    pub(super) fn store_of(&self, name: &str) -> Option<SessionStore> {
        self.stores
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    fn keep_store(&self, name: &str, store: &SessionStore) {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.insert(name.to_owned(), store.clone());
    }
}

/// One named session of a case.
#[derive(Debug)]
pub(super) struct Session {
    /// Its name, the first word of its channels.
    pub(super) name: String,
    /// What it shares with the others.
    pub(super) shared: Arc<Shared>,
    /// The control connection, open or ended; none before the first `connect`.
    pub(super) control: Option<Control>,
    /// The current data connection.
    pub(super) data: Option<Data>,
    /// TLS sessions of the control connection and its data connections.
    pub(super) store: SessionStore,
    /// The same of the control connection before, for resuming it on a new one.
    pub(super) previous_store: Option<SessionStore>,
    /// The key exchange group of the last handshake, to be offered first in the next (IANA number).
    pub(super) group: Option<u16>,
    retired: Vec<Link>,
    data_count: u32,
}

impl Session {
    pub(super) fn new(name: &str, shared: Arc<Shared>) -> Self {
        let store = SessionStore::default();
        shared.keep_store(name, &store);
        Self {
            name: name.to_owned(),
            shared,
            control: None,
            data: None,
            store,
            previous_store: None,
            group: None,
            retired: Vec::new(),
            data_count: 0,
        }
    }

    /// Where facts go.
    pub(super) fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// Deadlines.
    pub(super) fn timeouts(&self) -> Timeouts {
        self.shared.timeouts()
    }

    /// The channel of the control connection.
    pub(super) fn control_channel(&self) -> Channel {
        Channel::control(&self.name)
    }

    /// The channel of the next data connection.
    pub(super) fn next_data_channel(&mut self) -> Channel {
        self.data_count += 1;
        Channel::data(&self.name, self.data_count)
    }

    /// The control connection, whether it has ended or not.
    pub(super) fn control(&mut self) -> Result<&mut Control, ActionProblem> {
        self.control
            .as_mut()
            .ok_or_else(|| not_connected("there is no control connection"))
    }

    /// The control connection, unless it has ended.
    pub(super) fn open_control(&mut self) -> Result<&mut Control, ActionProblem> {
        let control = self.control()?;
        match control.end() {
            Some(why) => Err(closed(why)),
            None => Ok(control),
        }
    }

    /// Whether PROT P is in force.
    pub(super) fn is_private(&self) -> bool {
        self.control
            .as_ref()
            .is_some_and(|control| control.progress.private)
    }

    /// Makes `link` the control connection. TLS sessions of the one before can only be resumed on control.
    pub(super) fn set_control(&mut self, link: Link) {
        let numbered = self.control.as_ref().map_or(0, Control::received);
        if self.control.is_some() {
            self.previous_store = Some(std::mem::take(&mut self.store));
            self.store = SessionStore::default();
            self.shared.keep_store(&self.name, &self.store);
        }
        let limits = self.shared.settings.reply_limits;
        let recorder = self.recorder().clone();
        self.control = Some(Control::new(link, limits, numbered, recorder));
        self.group = None;
    }

    /// Makes `data` the current data connection; the one before stays open, unread.
    pub(super) fn set_data(&mut self, data: Data) {
        self.retire_data();
        self.data = Some(data);
    }

    /// Puts the current data connection aside.
    pub(super) fn retire_data(&mut self) {
        let Some(link) = self.data.take().and_then(|data| data.link) else {
            return;
        };
        if self.retired.len() >= RETIRED_LIMIT {
            self.retired.remove(0);
        }
        self.retired.push(link);
    }

    /// Sends one command line.
    pub(super) async fn send_line(&mut self, line: &str) -> Result<(), ActionProblem> {
        let within = self.timeouts().reply;
        self.note_arrivals().await;
        let link = &self.open_control()?.link;
        let (protected, peer) = (link.is_protected(), link.peer_address().ip());
        if !protected {
            allow_in_clear(line, peer, &self.shared.settings)?;
        }
        self.open_control()?.send_line(line, within).await
    }

    /// Sends a command and takes its next reply.
    pub(super) async fn exchange(&mut self, line: &str) -> Result<Received, ActionProblem> {
        self.send_line(line).await?;
        self.await_reply(self.timeouts().reply).await
    }

    /// Like [`Self::exchange`], for commands whose reply must be of one of `classes`, or have code `code`.
    pub(super) async fn exchange_hoping(
        &mut self,
        line: &str,
        shown: &str,
        hope: Hope,
    ) -> Result<Received, ActionProblem> {
        let received = self.exchange(line).await?;
        if hope.accepts(received.code()) {
            return Ok(received);
        }
        Err(ActionProblem::UnexpectedReply {
            code: received.code(),
            hoped: format!("{} to {shown}", hope.words()),
        })
    }

    /// A number that changes when something arrives on the connection; none when it is not there or has ended.
    pub(super) fn arrivals(&self, channel: ChannelRef) -> Option<u64> {
        match channel {
            ChannelRef::Control => {
                let control = self.control.as_ref().filter(|control| control.end().is_none())?;
                Some(control.arrivals())
            }
            ChannelRef::Data => {
                let data = self.data.as_ref().filter(|data| data.end.is_none())?;
                Some(data.arrivals())
            }
        }
    }

    /// Whether something has arrived on the connection that no step has taken.
    pub(super) fn has_untaken(&self, channel: ChannelRef) -> bool {
        match channel {
            ChannelRef::Control => self
                .control
                .as_ref()
                .is_some_and(|control| control.next_reply().is_some()),
            ChannelRef::Data => self.data.as_ref().is_some_and(Data::has_held),
        }
    }

    /// Ends everything, politely where that costs nothing.
    pub(super) async fn finish(&mut self, within: Duration) {
        self.retired.clear();
        if let Some(link) = self.data.as_mut().and_then(|data| data.link.as_mut()) {
            link.close(TcpClose::Fin);
        }
        self.data = None;
        let Some(mut control) = self.control.take() else {
            return;
        };
        control.tell_all();
        if control.is_readable() && !control.is_probing() {
            // The case is over: whether the target is still there does not matter any more.
            let _ = control.link.send_close_notify(within).await;
            control.link.close(TcpClose::Fin);
        }
    }
}

/// What a composite action hopes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hope {
    /// A class.
    Class(ReplyClass),
    /// One code.
    Code(u16),
}

impl Hope {
    fn accepts(self, code: ReplyCode) -> bool {
        match self {
            Self::Class(class) => code.class() == class,
            Self::Code(wanted) => code.value() == wanted,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Class(class) => class.name().to_owned(),
            Self::Code(code) => code.to_string(),
        }
    }
}
