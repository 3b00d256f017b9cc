//! Ctrl-C and SIGTERM: the first one asks for an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output;

/// SIGINT and SIGTERM, caught from the moment this is made.
pub(super) struct Interrupts {
    signals: [Option<Signal>; 2],
}

impl Interrupts {
    /// Catches the signals from now on. Where that is not possible they end the program, which is the next best thing.
    pub(super) fn catch() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self {
            signals: kinds.map(|kind| signal(kind).ok()),
        }
    }

    /// Until one arrives.
    pub(super) async fn wait(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            () = next(interrupt) => {}
            () = next(terminate) => {}
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// A token that is cancelled by the first interrupt. The second one ends the program at once.
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let inner = token.clone();
    let mut interrupts = Interrupts::catch();
    tokio::spawn(async move {
        interrupts.wait().await;
        output::complain(
            "interrupted; the cases under way tidy up, then the report of what was run follows (press again to end at once)",
        );
        inner.cancel();
        interrupts.wait().await;
        super::exit::end_now(super::exit::Exit::Internal);
    });
    token
}
