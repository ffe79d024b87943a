//! Ctrl-C: the first one asks, the second one ends.

use tokio_util::sync::CancellationToken;

/// A token that the first Ctrl-C (or a polite `kill`) cancels. The second one ends the process at once.
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        signalled().await;
        asked.cancel();
        signalled().await;
        std::process::exit(super::exit::Exit::Interrupted as i32);
    });
    token
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signalled() {
    drop(tokio::signal::ctrl_c().await);
}
