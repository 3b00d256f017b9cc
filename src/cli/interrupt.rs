//! Ctrl-C and SIGTERM: the first one asks for an orderly end.

use tokio_util::sync::CancellationToken;

use super::output;

/// A token that is cancelled by the first interrupt. The second interrupt is not caught any more and kills.
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let inner = token.clone();
    tokio::spawn(async move {
        wait().await;
        output::complain("interrupted; finishing with what was run so far (press again to end at once)");
        inner.cancel();
        wait().await;
        super::exit::end_now(super::exit::Exit::Internal);
    });
    token
}

/// Until SIGINT or SIGTERM.
pub(super) async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            // Without a handler the signal ends the program, which is the next best thing.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
