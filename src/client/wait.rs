//! Waiting: always on the control and the data connection at once, always with a deadline.
//!
//! A reply is recorded when it arrives, whoever was waiting for what. When both connections have something at the same
//! time, the order in which the target sent it is not visible; then they are told in the order they ought to have: TCP
//! connection of an active data connection, preliminary reply, data and its end, final reply. Endless data cannot hide a
//! final reply.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::control::{Control, Received};
use super::data::{Data, DataTls};
use super::problem::{closed, from_link, timed_out};
use super::session::Session;
use crate::tls::SessionStore;
use crate::trace::{ActionProblem, Recorder, Waited};
use crate::transport::{Incoming, Link, LinkError};
use crate::wire::ReplyCode;

/// How long a data connection may stay mute after a negative reply, or after the end of the control connection,
/// before it is given up.
pub(super) const AFTER_REFUSAL: Duration = Duration::from_millis(500);
/// How many pieces of data are taken in a row while a final reply has arrived and is not told yet.
const DATA_BEFORE_REPLY: u32 = 32;

/// What a wait may touch on the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// Everything.
    All,
    /// Nothing that a TLS handshake will need: a data connection that is to be protected and is not yet stays unread.
    SparingTls,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woke {
    /// Something arrived on the control connection.
    Control,
    /// Something arrived on the data connection, or the target has connected.
    Data,
    /// Time is up.
    Deadline,
    /// Nothing can arrive any more.
    Idle,
}

/// What came of working on the data connection while watching the control connection.
pub(super) enum Alongside<T> {
    /// The work is done.
    Done(T),
    /// A negative reply arrived, and the work did not come to an end soon after.
    Refused(ReplyCode),
    /// The control connection ended, and the work did not come to an end soon after.
    ControlEnded(&'static str),
}

/// What arrived on the data connection.
enum DataNews {
    Arrived(Incoming),
    Accepted(Result<Box<Link>, LinkError>),
}

impl Session {
    /// Waits for one thing to arrive and deals with it.
    pub(super) async fn pump(&mut self, watch: Watch, until: Instant) -> Woke {
        let private = self.is_private();
        let Self {
            control,
            data,
            store,
            shared,
            ..
        } = self;
        let spared = |data: &Data| watch == Watch::SparingTls && private && data.tls == DataTls::Clear;
        let mut data = data
            .as_mut()
            .filter(|data| data.is_readable() && (data.link.is_none() || !spared(data)));
        let mut control = control
            .as_mut()
            .filter(|control| control.is_readable() || control.has_staged());
        if data
            .as_ref()
            .is_none_or(|data| data.link.is_none() && data.listener.is_none())
        {
            data = None;
        }
        if data.is_none() && control.is_none() {
            return Woke::Idle;
        }
        loop {
            let is_staged = control.as_deref().is_some_and(Control::has_staged);
            let is_overdue = data
                .as_deref()
                .is_none_or(|data| data.pieces_before_reply >= DATA_BEFORE_REPLY);
            let is_connected = data.as_deref().is_none_or(|data| data.link.is_some());
            if let Some(control) = control.as_deref_mut()
                && (control.stages_preliminary() && is_connected || is_staged && is_overdue)
            {
                control.tell_next();
                if let Some(data) = data {
                    data.pieces_before_reply = 0;
                }
                return Woke::Control;
            }
            let readable = control.as_deref_mut().filter(|control| control.is_readable());
            tokio::select! {
                biased;
                incoming = next_of_control(readable), if !is_staged => {
                    if let Some(control) = control.as_deref_mut() {
                        control.absorb(incoming, store);
                        if !control.has_staged() {
                            return Woke::Control;
                        }
                    }
                }
                news = next_of_data(data.as_deref_mut(), &shared.recorder) => {
                    if let Some(data) = data {
                        data.pieces_before_reply += u32::from(is_staged);
                        absorb_news(data, news, store);
                    }
                    return Woke::Data;
                }
                () = std::future::ready(()), if is_staged => {
                    if let Some(data) = data.as_deref_mut() {
                        data.pieces_before_reply = DATA_BEFORE_REPLY;
                    }
                }
                () = sleep_until(until) => return Woke::Deadline,
            }
        }
    }

    /// Deals with what has already arrived on the control connection, without waiting.
    pub(super) async fn note_arrivals(&mut self) {
        tokio::task::yield_now().await;
        let Self { control, store, .. } = self;
        if let Some(control) = control.as_mut() {
            control.tell_all();
        }
        while let Some(control) = control.as_mut().filter(|control| control.is_readable()) {
            tokio::select! {
                biased;
                incoming = control.link.receive() => {
                    control.absorb(incoming, store);
                    control.tell_all();
                }
                () = std::future::ready(()) => return,
            }
        }
    }

    /// Takes the next reply.
    pub(super) async fn await_reply(&mut self, within: Duration) -> Result<Received, ActionProblem> {
        let until = Instant::now() + within;
        loop {
            let control = self.control()?;
            if let Some(received) = control.consume() {
                return Ok(received);
            }
            if let Some(why) = control.end() {
                return Err(closed(why));
            }
            if self.pump(Watch::SparingTls, until).await == Woke::Deadline {
                return Err(timed_out(Waited::Reply, within));
            }
        }
    }

    /// Takes the next reply, passing over the preliminary reply of a transfer (the first, when a server sends more) that
    /// nobody has taken: it may come before
    /// or after the handshake, and not at all when the transfer fails first (RFC 959 section 5.4).
    pub(super) async fn await_final_reply(&mut self, within: Duration) -> Result<Received, ActionProblem> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.await_reply_untaken(left).await {
                Ok(received) if received.begins_transfer => self.control()?.pass_over(),
                Ok(_) => return self.await_reply(left).await,
                Err(ActionProblem::TimedOut { waited, .. }) => return Err(timed_out(waited, within)),
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Waits until a reply can be taken, and leaves it.
    pub(super) async fn await_reply_untaken(&mut self, within: Duration) -> Result<&Received, ActionProblem> {
        let until = Instant::now() + within;
        while self.control()?.next_reply().is_none() {
            if let Some(why) = self.control()?.end() {
                return Err(closed(why));
            }
            if self.pump(Watch::SparingTls, until).await == Woke::Deadline {
                return Err(timed_out(Waited::Reply, within));
            }
        }
        self.control()?
            .next_reply()
            .ok_or_else(|| timed_out(Waited::Reply, within))
    }

    /// Lets `within` pass while recording what arrives.
    pub(super) async fn wait(&mut self, within: Duration) {
        let until = Instant::now() + within;
        loop {
            match self.pump(Watch::All, until).await {
                Woke::Deadline => return,
                Woke::Idle => return sleep_until(until).await,
                Woke::Control | Woke::Data => {}
            }
        }
    }

    /// Makes sure that the data connection is connected: an active one waits for the target.
    pub(super) async fn connect_listener(&mut self) -> Result<(), ActionProblem> {
        let within = self.timeouts().connect;
        let Self {
            control,
            data,
            store,
            shared,
            ..
        } = self;
        let Some(data) = data.as_mut() else {
            return Err(super::problem::not_connected("there is no data connection"));
        };
        if data.link.is_some() {
            return Ok(());
        }
        let Some(listener) = &data.listener else {
            return Err(super::problem::not_connected("the data connection is gone"));
        };
        let recorder = shared.recorder.clone();
        let accept = listener.accept(data.path, Some(within), data.channel.clone(), recorder);
        match alongside(control.as_mut(), store, accept).await {
            Alongside::Done(Ok(link)) => {
                data.link = Some(link);
                Ok(())
            }
            Alongside::Done(Err(error)) => {
                Err(from_link(&error, Waited::Connection, within, &shared.recorder))
            }
            Alongside::Refused(code) => Err(ActionProblem::RefusedByReply { code }),
            Alongside::ControlEnded(why) => Err(closed(why)),
        }
    }
}

/// What happens next on a data connection; never, when there is none.
async fn next_of_data(data: Option<&mut Data>, recorder: &Recorder) -> DataNews {
    let Some(data) = data else {
        return std::future::pending().await;
    };
    if let Some(link) = &mut data.link {
        return DataNews::Arrived(link.receive().await);
    }
    match &data.listener {
        Some(listener) => {
            let channel = data.channel.clone();
            let accepted = listener.accept(data.path, None, channel, recorder.clone()).await;
            DataNews::Accepted(accepted.map(Box::new))
        }
        None => std::future::pending().await,
    }
}

/// What happens next on a control connection; never, when there is none.
async fn next_of_control(control: Option<&mut Control>) -> Incoming {
    match control {
        Some(control) => control.link.receive().await,
        None => std::future::pending().await,
    }
}

fn absorb_news(data: &mut Data, news: DataNews, store: &SessionStore) {
    match news {
        DataNews::Arrived(incoming) => data.absorb(incoming, store),
        DataNews::Accepted(Ok(link)) => data.link = Some(*link),
        // Local trouble; whoever needs the connection meets it again and says so.
        DataNews::Accepted(Err(_)) => data.listener = None,
    }
}

/// Does `work` on a data connection while watching `control`; after a negative reply, or when the control connection
/// ends, `work` gets a little more time only.
pub(super) async fn alongside<T>(
    mut control: Option<&mut Control>,
    store: &SessionStore,
    work: impl Future<Output = T>,
) -> Alongside<T> {
    tokio::pin!(work);
    let mut give_up: Option<Instant> = None;
    if let Some(control) = control.as_deref_mut() {
        control.tell_all();
    }
    loop {
        let hopeless = control
            .as_deref()
            .is_some_and(|control| control.refusal().is_some() || !control.is_readable());
        if hopeless {
            give_up.get_or_insert_with(|| Instant::now() + AFTER_REFUSAL);
        }
        let readable = control.as_deref_mut().filter(|control| control.is_readable());
        tokio::select! {
            biased;
            incoming = next_of_control(readable) => {
                if let Some(control) = control.as_deref_mut() {
                    control.absorb(incoming, store);
                    control.tell_all();
                }
            }
            done = &mut work => return Alongside::Done(done),
            () = sleep_until(give_up.unwrap_or_else(Instant::now)), if give_up.is_some() => {
                let control = control.as_deref();
                return match (control.and_then(Control::refusal), control.and_then(Control::end)) {
                    (Some(code), _) => Alongside::Refused(code),
                    (None, why) => Alongside::ControlEnded(why.unwrap_or("the control connection ended")),
                };
            }
        }
    }
}
