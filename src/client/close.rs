//! `close-data` and `close-control`: how our side of a connection ends.
//!
//! RFC 8446 section 6.1, RFC 5246 section 7.2.1. FIN goes out before draining: some servers wait for it, and a half-close
//! cannot turn unread TLS 1.3 tickets into a reset. Nothing is closed for good while a peer's bytes are unread, unless a
//! scenario asks for just that: `{ tls: close-notify, drain: false }`.

use std::time::Duration;

use tokio::time::Instant;

use super::data::DataEnd;
use super::problem::{from_link, not_connected};
use super::session::Session;
use super::wait::{AFTER_REFUSAL, Watch, Woke};
use crate::scenario::model::{ChannelRef, CloseConnection, TcpEnd, TlsEnd};
use crate::trace::{ActionProblem, Waited};
use crate::transport::{Link, LinkError, TcpClose};

/// What the half of a record holds that is sent.
const HALF_RECORD: [u8; 64] = [0x55; 64];

impl Session {
    /// `close-data`.
    pub(super) async fn close_data(&mut self, close: &CloseConnection) -> Result<(), ActionProblem> {
        let within = self.timeouts().close;
        // An active connection that the target has not made yet may just be on its way.
        if self.data.as_ref().is_some_and(|data| data.link.is_none()) {
            self.pump(Watch::SparingTls, Instant::now()).await;
        }
        let recorder = self.recorder().clone();
        let Some(data) = self.data.as_mut() else {
            return Err(not_connected("there is no data connection"));
        };
        data.listener = None;
        let Some(link) = data.link.as_mut() else {
            return Err(not_connected("the target has not opened the data connection"));
        };
        let is_repeated = close.tls == TlsEnd::CloseNotify && data.notify_sent;
        let ended = if is_repeated {
            Ok(())
        } else {
            end_tls(link, &close.tls, within).await
        };
        data.notify_sent |= close.tls == TlsEnd::CloseNotify;
        match close.tcp {
            // A client that never reads and goes: the socket is closed for good, and the kernel makes a reset of it when
            // bytes of the peer (tickets, say) are unread.
            TcpEnd::Fin if close.tls == TlsEnd::CloseNotify && !close.drain => {
                self.close_data_once(TcpClose::Fin);
                if let Some(data) = self.data.as_mut() {
                    data.link = None;
                }
            }
            TcpEnd::Fin => self.close_data_once(TcpClose::Fin),
            TcpEnd::Reset => {
                link.close(TcpClose::Reset);
                data.closed_here = true;
                data.end = Some(DataEnd::Reset);
            }
            TcpEnd::KeepOpen => {}
        }
        if close.drain {
            self.drain_data().await;
        }
        ended.map_err(|error| from_link(&error, Waited::Write, within, &recorder))
    }

    /// `close-control`.
    pub(super) async fn close_control(&mut self, close: &CloseConnection) -> Result<(), ActionProblem> {
        let within = self.timeouts().close;
        let recorder = self.recorder().clone();
        self.note_arrivals().await;
        let control = self.control()?;
        let ended = end_tls(&mut control.link, &close.tls, within).await;
        match close.tcp {
            TcpEnd::Fin => control.link.close(TcpClose::Fin),
            TcpEnd::Reset => {
                control.link.close(TcpClose::Reset);
                control.end_here("the control connection was reset by us");
            }
            TcpEnd::KeepOpen => {}
        }
        if close.drain {
            self.await_end(ChannelRef::Control, within).await;
        }
        ended.map_err(|error| from_link(&error, Waited::Write, within, &recorder))
    }

    /// Reads a data connection to the peer's end, so that nothing unread turns into a reset when it is closed. Not
    /// for long once the final reply is there.
    pub(super) async fn drain_data(&mut self) {
        let deadline = Instant::now() + self.timeouts().close;
        let mut until = deadline;
        loop {
            let Some(data) = &mut self.data else { return };
            // What is drained is not read: it stays out of the sums.
            data.forget_held();
            if data.end.is_some() {
                return;
            }
            if self
                .control
                .as_ref()
                .is_some_and(|control| control.has_final() || !control.is_readable())
            {
                until = until.min(Instant::now() + AFTER_REFUSAL);
            }
            match self.pump(Watch::All, until).await {
                Woke::Control | Woke::Data => {}
                Woke::Deadline | Woke::Idle => return,
            }
        }
    }

    /// Waits until the peer's end of `channel` has been seen; false when it has not within the time. After
    /// close_notify the FIN behind it is waited for only as long as `close` allows.
    pub(super) async fn await_end(&mut self, channel: ChannelRef, within: Duration) -> bool {
        let mut until = Instant::now() + within;
        let mut noticed = false;
        loop {
            let (has_ended, has_notify) = match channel {
                ChannelRef::Control => match &self.control {
                    Some(control) => (control.end().is_some(), control.close_notify),
                    None => return false,
                },
                ChannelRef::Data => match &mut self.data {
                    Some(data) => {
                        data.read_held(u64::MAX);
                        (data.end.is_some(), data.close_notify)
                    }
                    None => return false,
                },
            };
            if has_ended {
                return true;
            }
            if has_notify && !noticed {
                noticed = true;
                until = until.min(Instant::now() + self.timeouts().close);
            }
            match self.pump(Watch::All, until).await {
                Woke::Control | Woke::Data => {}
                Woke::Deadline | Woke::Idle => return has_notify,
            }
        }
    }
}

async fn end_tls(link: &mut Link, how: &TlsEnd, within: Duration) -> Result<(), LinkError> {
    match how {
        TlsEnd::CloseNotify => link.send_close_notify(within).await,
        TlsEnd::Silent => Ok(()),
        TlsEnd::Alert(description) => link.send_alert(true, *description, within).await,
        TlsEnd::HalfRecord => link.send_half_record(&HALF_RECORD, within).await,
    }
}
