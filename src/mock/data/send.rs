//! Downloads and listings: everything, then close_notify, then FIN.
//!
//! RFC 959 section 3.4.1, RFC 8446 section 6.1. Watches for a client that gives up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::carrier::{Carrier, lost};
use super::plan::Failure;
use crate::mock::observation::DataEnd;
use crate::mock::{Fault, Habit};
use crate::trace::TlsVersion;
use crate::transport::{Incoming, Link, TcpClose};

/// How much is sent at once.
const CHUNK: usize = 64 * 1024;
/// How long a finished download waits for a reset that may be under way.
const REGRET: Duration = Duration::from_millis(50);
/// How long a habit waits for the client to end a download.
const PATIENCE: Duration = Duration::from_secs(1);
/// Downloads up to this size are not waited for: the peer's buffers hold them.
const SMALL: u64 = 64 * 1024;

impl Carrier {
    /// Sends the whole payload and ends the connection.
    pub(super) async fn send_all(
        &self,
        link: &mut Link,
        bytes: &[u8],
    ) -> Result<(Vec<u8>, DataEnd), Failure> {
        match self.send_chunks(link, bytes).await {
            Err(failure) if failure.end == DataEnd::Reset && self.has(Fault::AcknowledgesResetDownload) => {
                Ok((Vec::new(), DataEnd::Sent))
            }
            outcome => outcome,
        }
    }

    async fn send_chunks(&self, link: &mut Link, bytes: &[u8]) -> Result<(Vec<u8>, DataEnd), Failure> {
        let deadline = self.plan.shared.options.data_timeout;
        for chunk in bytes.chunks(CHUNK) {
            if self.progress.must_finish.load(Ordering::Relaxed) {
                break;
            }
            self.check_reader(link).await?;
            let framed = self.plan.is_framed.then(|| frame(chunk));
            let sent = link.send(framed.as_deref().unwrap_or(chunk), deadline).await;
            sent.map_err(|_| lost(DataEnd::Reset))?;
            self.progress
                .bytes
                .fetch_add(u64::try_from(chunk.len()).unwrap_or(0), Ordering::Relaxed);
        }
        if self.ends_late() || self.has(Fault::KeepsDataConnectionOpen) {
            return Ok((Vec::new(), DataEnd::Sent));
        }
        let is_silent = self.has(Fault::OmitsCloseNotifyOnRetr) && !self.plan.is_listing
            || self.has(Fault::OmitsCloseNotifyOnListing) && self.plan.is_listing;
        if !is_silent {
            let sent = link.send_close_notify(deadline).await;
            sent.map_err(|_| lost(DataEnd::Reset))?;
        }
        if self.plan.shared.does(Habit::WaitsForTheClientToClose) {
            let end = async { while !matches!(link.receive().await, Incoming::Fin | Incoming::Reset) {} };
            // A client that keeps its end open is not waited for any longer.
            drop(tokio::time::timeout(PATIENCE, end).await);
        }
        link.close(TcpClose::Fin);
        self.check_arrival(link).await?;
        self.check_key_updates(link)?;
        Ok((Vec::new(), DataEnd::Sent))
    }

    /// Looks, without waiting, whether the client still reads.
    async fn check_reader(&self, link: &mut Link) -> Result<(), Failure> {
        let speaks_tls13 = self
            .handshake
            .as_ref()
            .is_some_and(|handshake| handshake.version == TlsVersion::Tls13);
        let mut is_half_closed = false;
        while let Ok(incoming) = tokio::time::timeout(Duration::ZERO, link.receive()).await {
            match incoming {
                Incoming::Reset => return Err(lost(DataEnd::Reset)),
                Incoming::Alert { fatal: true, .. } => return Err(lost(DataEnd::Alert)),
                Incoming::TlsViolation(_) => return Err(lost(DataEnd::Violation)),
                // Half-closing is legal in TLS 1.3 only (RFC 8446 section 6.1); in TLS 1.2 both directions end.
                Incoming::CloseNotify if speaks_tls13 => is_half_closed = true,
                Incoming::CloseNotify => return Err(lost(DataEnd::CloseNotify)),
                Incoming::Fin if is_half_closed => return Ok(()),
                Incoming::Fin => return Err(lost(DataEnd::Fin)),
                Incoming::Bytes(_) | Incoming::Ticket | Incoming::Alert { .. } => {}
            }
        }
        self.check_key_updates(link)
    }

    fn check_key_updates(&self, link: &Link) -> Result<(), Failure> {
        if link.key_updates() > 0 && self.has(Fault::TreatsKeyUpdateAsFatal) {
            return Err(lost(DataEnd::Violation));
        }
        Ok(())
    }

    /// Gives a reset that is under way the chance to arrive before 226 is sent for a large file.
    async fn check_arrival(&self, link: &mut Link) -> Result<(), Failure> {
        if self.progress.bytes.load(Ordering::Relaxed) <= SMALL {
            return Ok(());
        }
        let end = async {
            loop {
                match link.receive().await {
                    Incoming::Reset => return Err(lost(DataEnd::Reset)),
                    Incoming::Alert { fatal: true, .. } => return Err(lost(DataEnd::Alert)),
                    Incoming::Fin => return Ok(()),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(REGRET, end).await.unwrap_or(Ok(()))
    }
}

/// RFC 2228 section 8: the length of a block in four bytes before it.
fn frame(chunk: &[u8]) -> Vec<u8> {
    let mut framed = u32::try_from(chunk.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    framed.extend_from_slice(chunk);
    framed
}
