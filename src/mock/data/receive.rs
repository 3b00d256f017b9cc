//! Uploads: complete when their end is authenticated, and not before.
//!
//! RFC 959 section 3.4.1, RFC 8446 section 6.1, RFC 5246 section 7.2.1.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::carrier::{Carrier, Shield, lost};
use super::plan::Failure;
use crate::mock::observation::DataEnd;
use crate::mock::{Fault, Habit};
use crate::transport::{Incoming, Link, TcpClose};

/// How long the peer's end of a data connection is waited for after the transfer.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// Alerts, RFC 8446 section 6.
const BAD_RECORD_MAC: u8 = 20;
const DECODE_ERROR: u8 = 50;
/// How long a habit leaves the data connection open behind the final reply.
const LATE_CLOSE: Duration = Duration::from_millis(250);
const RECORD_OVERFLOW: u8 = 22;

/// Reads a connection to its end, so that closing it does not reset what the peer has still to read.
pub(in crate::mock) async fn drain(mut link: Link) {
    let end = async { while !matches!(link.receive().await, Incoming::Fin | Incoming::Reset) {} };
    // A peer that keeps its end open is closed all the same, by the drop of the link.
    drop(tokio::time::timeout(DRAIN_DEADLINE, end).await);
}

/// Ends a data connection whose final reply is sent, late enough for a client to see the order; for a habit.
pub(in crate::mock) async fn close(mut link: Link, deadline: Duration) {
    tokio::time::sleep(LATE_CLOSE).await;
    // A client that is gone already has all the same its data and its reply.
    drop(link.send_close_notify(deadline).await);
    link.close(TcpClose::Fin);
    drain(link).await;
}

impl Carrier {
    /// Receives the whole payload.
    pub(super) async fn receive_all(
        &self,
        link: &mut Link,
        shield: Shield,
        limit: u64,
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
            if length > limit && self.has(Fault::AcknowledgesFullStore) {
                content.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok((content, DataEnd::TooLarge));
            }
            if length > limit {
                return Err(Failure::new(552, "No space left.", DataEnd::TooLarge));
            }
            if self.has(Fault::CompletesUploadBeforeEof) && announced.is_some_and(|bytes| length >= bytes) {
                return Ok((content, DataEnd::CloseNotify));
            }
            let Ok(incoming) = tokio::time::timeout(deadline, link.receive()).await else {
                return Err(Failure::new(426, "No data for too long.", DataEnd::TimedOut));
            };
            let end = match incoming {
                _ if link.key_updates() > 0 && self.has(Fault::TreatsKeyUpdateAsFatal) => DataEnd::Violation,
                Incoming::Bytes(_) if link.empty_records() > 0 && self.has(Fault::TreatsEmptyRecordAsEof) => {
                    return Ok((content, DataEnd::CloseNotify));
                }
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
            if !is_complete || !self.ends_late() {
                link.close(TcpClose::Fin);
            }
            return if is_complete {
                Ok((content, end))
            } else {
                let mut failure = Failure::new(426, "The data connection ended before the data did.", end);
                failure.kept = (self.plan.shared).does(Habit::KeepsCutUploads).then_some(content);
                Err(failure)
            };
        }
    }

    /// Whether a fault overlooks the violation that just came.
    fn skips_violation(&self, link: &Link) -> bool {
        // FIN inside a record is reported with this alert.
        let fault = match link.violation_alert() {
            Some(DECODE_ERROR) => Fault::AcknowledgesUploadCutWithinRecord,
            Some(RECORD_OVERFLOW) => Fault::AcceptsOversizeRecords,
            _ => Fault::SkipsBadRecords,
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
        if self.ends_late() {
            return Ok((content, DataEnd::CloseNotify));
        }
        if self.has(Fault::ResetsOnCloseNotify) {
            link.close(TcpClose::Reset);
            return Ok((content, DataEnd::CloseNotify));
        }
        if self.has(Fault::DiscardsUnreadDataOnCloseNotify) {
            content.truncate(content.len().saturating_sub(last));
        }
        if !self.plan.shared.does(Habit::LeavesCloseNotifyUnanswered) {
            // A client that is gone already has all the same said that its data is complete.
            drop(link.send_close_notify(deadline).await);
        }
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
