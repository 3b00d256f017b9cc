//! `read-data`: until the peer's end, for a number of bytes, or for a time.
//!
//! RFC 959 section 3.4, RFC 4217 section 12.4. Reading ends early when the target has refused the transfer on the control
//! connection and nothing comes on the data connection any more.

use std::time::Duration;

use tokio::time::Instant;

use super::content::parse_number;
use super::control::Control;
use super::data::{DataEnd, DataTls};
use super::problem::{closed, not_allowed, not_connected, timed_out, unusable};
use super::session::Session;
use super::settings::Timeouts;
use super::wait::{AFTER_REFUSAL, Watch, Woke};
use crate::scenario::model::ReadData;
use crate::trace::{ActionProblem, Waited};
use crate::transport::TcpClose;

/// How long the end of TCP may take behind close_notify before we answer.
const ENDS_BY_ITSELF: Duration = Duration::from_millis(50);
/// How long we wait for FIN behind close_notify.
const FIN_BEHIND_NOTIFY: Duration = Duration::from_secs(1);

impl Session {
    /// `read-data`.
    pub(super) async fn read_data(&mut self, read: &ReadData) -> Result<(), ActionProblem> {
        let outcome = match read {
            ReadData::UntilClose => self.read_until_close().await,
            ReadData::Bytes(count) => match parse_number(&count.value) {
                Ok(count) => self.read_pieces(count).await,
                Err(error) => Err(not_allowed(error)),
            },
            ReadData::During(time) => self.read_during(*time).await,
        };
        self.record_transfer();
        outcome
    }

    /// Reads to the peer's end, then ends our side as a careful client does.
    pub(super) async fn read_until_close(&mut self) -> Result<(), ActionProblem> {
        match self.read_pieces(u64::MAX).await {
            Ok(()) => {
                self.answer_end().await;
                Ok(())
            }
            // Refused: there is nothing to read, and that is what there was to find out.
            Err(ActionProblem::RefusedByReply { .. }) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    async fn read_during(&mut self, time: Duration) -> Result<(), ActionProblem> {
        let until = Instant::now() + time;
        self.connect_listener().await?;
        loop {
            if let Some(data) = &mut self.data {
                data.read_held(u64::MAX);
            }
            match self.pump(Watch::All, until).await {
                Woke::Control | Woke::Data => {}
                Woke::Deadline => break,
                Woke::Idle => {
                    tokio::time::sleep_until(until).await;
                    break;
                }
            }
        }
        if let Some(data) = &mut self.data {
            data.read_held(u64::MAX);
        }
        Ok(())
    }

    /// Reads `count` bytes, or to the peer's end when that comes first and `count` is `u64::MAX`.
    pub(super) async fn read_pieces(&mut self, count: u64) -> Result<(), ActionProblem> {
        self.connect_listener().await?;
        let Timeouts {
            data: within,
            transfer,
            ..
        } = self.timeouts();
        let whole = Instant::now() + transfer;
        let mut left = count;
        let mut last = Instant::now();
        let mut drips = false;
        let mut was_hopeless = false;
        loop {
            let Some(data) = self.data.as_mut() else {
                return Err(not_connected("there is no data connection"));
            };
            if data.tls == DataTls::Failed {
                return if count == u64::MAX {
                    Ok(())
                } else {
                    Err(not_connected("its TLS handshake failed"))
                };
            }
            let read = data.read_held(left);
            if read > 0 {
                drips = true;
                last = Instant::now();
            }
            left -= read;
            if left == 0 {
                return Ok(());
            }
            if data.is_finished() {
                return data_ended(data.end, count);
            }
            let refused = self.control.as_ref().and_then(Control::refusal);
            let ended = self.control.as_ref().and_then(Control::end);
            let hopeless = refused.is_some() || ended.is_some();
            if hopeless && !was_hopeless {
                last = Instant::now();
                was_hopeless = true;
            }
            let idle = last + if hopeless { AFTER_REFUSAL } else { within };
            match self.pump(Watch::All, idle.min(whole)).await {
                Woke::Data | Woke::Control => {}
                Woke::Deadline | Woke::Idle => {
                    return Err(match (refused, ended) {
                        (Some(code), _) => ActionProblem::RefusedByReply { code },
                        (None, Some(why)) => closed(why),
                        (None, None) if drips && idle > whole => timed_out(Waited::Transfer, transfer),
                        (None, None) => timed_out(Waited::Data, within),
                    });
                }
            }
        }
    }

    /// Ends our side of a data connection that the peer has ended: close_notify, a short wait for its FIN, FIN.
    pub(super) async fn answer_end(&mut self) {
        let within = self.timeouts().close.min(FIN_BEHIND_NOTIFY);
        // Most targets end TCP at once; what they do by themselves is seen before we answer.
        self.await_data_end(within.min(ENDS_BY_ITSELF)).await;
        self.send_close_notify_once(within).await;
        self.await_data_end(within).await;
        self.close_data_once(TcpClose::Fin);
    }

    async fn await_data_end(&mut self, within: Duration) {
        let until = Instant::now() + within;
        while self.data.as_ref().is_some_and(|data| data.end.is_none()) {
            if !matches!(self.pump(Watch::All, until).await, Woke::Control | Woke::Data) {
                return;
            }
        }
    }

    /// Sends close_notify on a protected data connection unless we did or it is gone. Whether it can still be sent
    /// does not matter: the peer has what it needs, or is gone.
    pub(super) async fn send_close_notify_once(&mut self, within: Duration) {
        let Some(data) = &mut self.data else { return };
        let is_gone = matches!(
            data.end,
            Some(DataEnd::Reset | DataEnd::Alert | DataEnd::Violation)
        );
        if data.tls != DataTls::Started || data.notify_sent || data.closed_here || is_gone {
            return;
        }
        data.notify_sent = true;
        if let Some(link) = &mut data.link {
            let _ = link.send_close_notify(within).await;
        }
    }

    /// Ends TCP of the data connection unless we did.
    pub(super) fn close_data_once(&mut self, how: TcpClose) {
        let Some(data) = &mut self.data else { return };
        if data.closed_here {
            return;
        }
        data.closed_here = true;
        if let Some(link) = &mut data.link {
            link.close(how);
        }
    }

    /// Records the sums over the current data connection.
    pub(super) fn record_transfer(&self) {
        if let Some(data) = &self.data {
            data.record_summary(self.recorder());
        }
    }
}

/// What the peer's end means to a reader that wanted `count` bytes.
fn data_ended(end: Option<DataEnd>, count: u64) -> Result<(), ActionProblem> {
    match end {
        Some(DataEnd::Violation) => Err(unusable("the target broke TLS on the data connection")),
        _ if count == u64::MAX => Ok(()),
        _ => Err(closed(
            "the target ended the data before that many bytes had come",
        )),
    }
}
